"""Parse the arguments, run a command, and return an exit status."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, NoReturn

from .._json import as_json
from . import (
    _run_check,
    _run_compare,
    _run_demo,
    _run_embed,
    _run_evaluate,
    _run_fit,
    _run_monitor,
    _run_report,
    _run_search,
)
from ._result import Result

# Modules of the commands, in the order of the help.
COMMANDS = (
    *(_run_demo, _run_check, _run_compare, _run_fit, _run_evaluate),
    *(_run_search, _run_embed, _run_report, _run_monitor),
)
# Exit statuses.
DONE, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130


class _WrongArguments(Exception):
    def __init__(self, parser: argparse.ArgumentParser, message: str) -> None:
        super().__init__(message)
        self.parser = parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _WrongArguments(self, message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        The arguments; None for those of the process.

    Returns
    -------
    status : int
        0 done, 1 something was found, 2 it could not be done, 130 interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no emoji shows question marks rather than an error.
            stream.reconfigure(errors="replace")
    try:
        arguments = _parser().parse_args(argv)
    except _WrongArguments as error:
        if "--json" not in argv:
            error.parser.print_usage(sys.stderr)
        return _failed(error.parser.prog, str(error), "--json" in argv)
    return _run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="crossmodal-cca",
        description="Two modalities of the same things, as files of features, in one shared space.",
        epilog="Exit status: 0 done, 1 something was found, 2 it could not be done, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name, summary, example = module.NAME, module.SUMMARY, module.EXAMPLE
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print one JSON object, also for an error")
        command.add_argument("--quiet", action="store_true", help="print no progress and no warnings")
        command.add_argument("--debug", action="store_true", help="after an error print where it arose")
        command.set_defaults(run=module.run, talks=module is _run_demo)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .. import __version__

        print(__version__)
        parser.exit()


def _run(arguments: argparse.Namespace) -> int:
    prog, notes = f"crossmodal-cca {arguments.command}", list[str]()
    try:
        with _aside(arguments, notes):
            result: Result = arguments.run(arguments)
    except KeyboardInterrupt:
        return _failed(prog, "interrupted", arguments.json, notes, INTERRUPTED)
    except BrokenPipeError:
        _close_pipe()
        return DONE
    except Exception as error:  # any error becomes a message for a person
        if arguments.debug:
            traceback.print_exc()
        return _failed(prog, _message_of(error), arguments.json, notes)
    data = {"command": arguments.command, "status": result.status} | result.data | {"warnings": notes}
    return _print(prog, as_json(data) if arguments.json else result.text, result.status)


@contextmanager
def _aside(arguments: argparse.Namespace, notes: list[str]) -> Iterator[None]:
    """Keep standard output for the result: progress and warnings go to standard error, and warnings are noted too."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        notes.append(_in_one_line(message))
        if not arguments.quiet:
            print(f"warning: {notes[-1]}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        if arguments.talks and not arguments.json:
            yield
        elif arguments.quiet:
            with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
                yield
        else:
            with redirect_stdout(sys.stderr):
                yield


def _print(prog: str, text: str, status: int) -> int:
    try:
        if text:
            print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_pipe()
    except OSError as error:
        _close_pipe()
        return _failed(prog, f"cannot write the result: {error}", False)
    return status


def _close_pipe() -> None:
    """Close a standard output that nobody reads any more, so that Python does not write to it at exit."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(prog: str, message: str, json: bool, notes: Sequence[str] = (), status: int = FAILED) -> int:
    if json:
        command = prog.partition(" ")[2] or None
        _print(prog, as_json({"command": command, "status": status, "error": message, "warnings": list(notes)}), status)
    else:
        with suppress(OSError):
            print(f"{prog}: error: {message}", file=sys.stderr)
    return status


def _message_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        hint = "; make room, or choose another place" if full else ""
        return f"{error.filename or 'the output cannot be written'}: {error.strerror}{hint}"
    if isinstance(error, MemoryError):
        return f"there is too little memory: {_in_one_line(error)}"
    kind = "" if isinstance(error, OSError | ValueError | TypeError | ImportError) else f"{type(error).__name__}: "
    return kind + (_in_one_line(error) or type(error).__name__)


def _in_one_line(message: Any) -> str:
    return " ".join(str(message).split())
