"""The command line: `python -m crossmodal_cca demo`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        The arguments; None for those of the process.

    Returns
    -------
    status : int
        0 on success; wrong arguments leave with status 2 and a message.
    """
    parser = argparse.ArgumentParser(prog="python -m crossmodal_cca", description="Two modalities in one shared space.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="search emoji by word and words by emoji, with figures and a picture",
        description="Fit PLS and CCA to pictures and names of emoji, search held-out ones in both directions, print "
        "the figures and draw them.",
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path("crossmodal_cca_demo.png"),
        metavar="PNG",
        help="where to write the picture (default: %(default)s in the current folder)",
    )
    arguments = parser.parse_args(argv)
    try:
        # Before the work, so that nobody waits for a picture that cannot be kept.
        _check_writable(arguments.output)
    except (OSError, ValueError) as error:
        demo.error(f"cannot write the picture to {arguments.output}: {error}. Choose another place with --output.")

    from ._demo import run_demo

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no emoji shows question marks rather than an error.
        sys.stdout.reconfigure(errors="replace")
    run_demo(arguments.output)
    return 0


def _check_writable(path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise ValueError("the name must end in .png")
    existed = path.exists()
    with path.open("ab"):
        pass
    if not existed:
        path.unlink()
