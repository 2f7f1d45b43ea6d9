"""`fit`: fit a model to two files."""

from __future__ import annotations

import argparse
from typing import Any

from ._options import add_hold_out, add_output, add_sides, whole_number
from ._result import Result, check_output

# Name of the command.
NAME = "fit"
# One line in the list of commands.
SUMMARY = "fit a model to two files of features, with settings that you give or that cross-validation chooses"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca fit emoji/pictures.npy emoji/words.npy -o emoji/model --components 100 --shrinkage 0.6 --power 1 "
    "--hold-out 0.2 --groups emoji/emoji.csv:base_name"
)
# Classes by the name of the method: one that takes settings, and one that chooses them.
MODELS = {
    "cca": ("CCA", "CCACV"),
    "pls-svd": ("PLSSVD", ""),
    "pls-canonical": ("PLSCanonical", ""),
    "pls-regression": ("PLSRegression", "PLSRegressionCV"),
    "kernel-cca": ("KernelCCA", "KernelCCACV"),
}
# Settings that the user may give.
_SETTINGS = ("components", "shrinkage", "power")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sides(parser)
    add_output(parser, "MODEL", "where to write the model", required=True)
    parser.add_argument("--model", choices=MODELS, default="cca", help="kind of model (default: %(default)s)")
    parser.add_argument(
        "--components", type=whole_number, metavar="N", help="number of components; with --choose the most"
    )
    parser.add_argument("--shrinkage", type=float, metavar="C", help="shrinkage of the covariances, from 0 to 1")
    parser.add_argument("--power", type=float, metavar="P", help="power of the correlations that weighs components")
    parser.add_argument("--choose", action="store_true", help="choose the settings by cross-validation")
    parser.add_argument("--measure", metavar="NAME", help="what --choose maximises (default: hit_rate_at_10)")
    add_hold_out(parser, "keep this share of the pairs, whole groups, out of the fit, and report on it")


def run(arguments: argparse.Namespace) -> Result:
    """Fit and save a model, and report on the pairs held out."""
    check_output(arguments.output, arguments.force)
    if arguments.measure is not None and not arguments.choose:
        raise ValueError("--measure says what --choose maximises; give both or neither.")
    from ._pair_report import report_on
    from ._sides import Sides, held_out

    model = _model(arguments)
    sides = Sides.read(arguments)
    train, test = held_out(sides, arguments.hold_out, arguments.seed)
    _fit(model, sides, train, arguments.choose)
    model.save(arguments.output)
    settings: dict[str, Any] = dict(getattr(model, "best_params_", {}))
    data: dict[str, Any] = {
        "model": str(arguments.output),
        "kind": type(model).__name__,
        "n_pairs": len(train),
        "n_held_out": len(test),
        "n_components": model.n_components_,
        "best_params": settings or None,
        "best_score": getattr(model, "best_score_", None),
    } | sides.alone
    chosen = ", ".join(f"{name}={value}" for name, value in settings.items())
    lines = [
        f"{arguments.output}: {type(model).__name__} of {len(train)} pairs, {model.n_components_} components"
        + (f"; chosen: {chosen}" if chosen else "")
    ]
    lines += sides.remarks
    if len(test):
        report = report_on(model, sides, test, arguments)
        data["report"] = report.records
        lines += ["", f"On {len(test)} pairs that took no part in the fit:", report.text]
    return Result("\n".join(lines), data)


def _model(arguments: argparse.Namespace) -> Any:
    """Build the model, not fitted."""
    import crossmodal_cca

    plain, searching = MODELS[arguments.model]
    if arguments.choose and not searching:
        raise ValueError(f"--choose knows no settings of {arguments.model}; leave it out, or choose another --model.")
    given = {name: getattr(arguments, name) for name in _SETTINGS if getattr(arguments, name) is not None}
    settings: dict[str, Any] = {"n_components": given.pop("components")} if "components" in given else {}
    if arguments.choose:
        if given:
            raise ValueError(f"--choose chooses {' and '.join(given)} too; leave --{min(given)} out, or --choose.")
        settings |= {"scoring": arguments.measure or "hit_rate_at_10", "verbose": int(not arguments.quiet)}
    made = getattr(crossmodal_cca, searching if arguments.choose else plain)
    known = made().get_params()
    for name in given:
        if name not in known:
            raise ValueError(f"{arguments.model} has no {name}; leave --{name} out, or choose another --model.")
    if "random_state" in known:
        settings["random_state"] = arguments.seed
    return made(**settings | given)


def _fit(model: Any, sides: Any, train: Any, choose: bool) -> None:
    X, y = sides.pairs_of(train)
    if not choose:
        model.fit(X, y)
        return
    ids = {"x_ids": sides.rows.ids[train], "y_ids": sides.rows.ids[train]} if sides.joined else {}
    model.fit(X, y, groups=None if sides.groups is None else sides.groups[train], **ids)
