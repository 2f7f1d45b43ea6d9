"""Metadata routing in a pipeline of two modalities."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

# Metadata of a part's method: metadata("aligner", "fit").
Metadata = Callable[[str, str], dict[str, Any]]
# Parameter that holds the transformer of each side.
TRANSFORMER_OF = {"X": "x_transformer", "y": "y_transformer"}
# Methods of the aligner that each method calls; methods of y use the names of those of X, since scikit-learn has none.
_ASKED: dict[str, tuple[str, ...]] = {
    method: (method,) for method in ("fit", "partial_fit", "transform", "predict", "score", "inverse_transform")
}
_ASKED["fit_transform"] = ("fit", "transform")
# Method of a transformer that most methods call.
_TRANSFORM: tuple[str, ...] = ("transform",)


def router_of(pipeline: Any) -> MetadataRouter:
    """Build the router of a pipeline: the methods of its parts that each of its methods calls."""
    router = MetadataRouter(owner=pipeline).add(aligner=pipeline.aligner, method_mapping=_mapping(_ASKED))
    for name in TRANSFORMER_OF.values():
        transformer = getattr(pipeline, name)
        if transformer is None:
            continue
        fitting = ("fit_transform",) if hasattr(transformer, "fit_transform") else ("fit", "transform")
        asked = dict.fromkeys(("partial_fit", "transform", "predict", "score"), _TRANSFORM)
        asked |= {"fit": fitting, "fit_transform": fitting, "inverse_transform": ("inverse_transform",)}
        router.add(**{name: transformer}, method_mapping=_mapping(asked))
    return router


def _mapping(asked: dict[str, tuple[str, ...]]) -> MethodMapping:
    mapping = MethodMapping()
    for caller, callees in asked.items():
        for callee in callees:
            mapping.add(caller=caller, callee=callee)
    return mapping


def metadata_of(pipeline: Any, caller: str, params: dict[str, Any], asked: MethodType) -> Metadata:
    """Return the metadata of each part: its requests or, without routing, all for the aligner's method `asked`."""
    given = {name: value for name, value in params.items() if value is not None}
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(pipeline, caller, **given)
        return lambda part, method: routed[part][method]
    if not given:
        return lambda part, method: {}
    taken = inspect.signature(asked).parameters
    unknown = [name for name in given if name not in taken]
    if unknown and not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        owner = type(asked.__self__).__name__
        request = {"fit": "fit", "fit_transform": "fit", "inverse_transform": caller}.get(caller, "transform")
        raise TypeError(
            f"{owner} takes no {unknown[0]} in {asked.__name__}, and without metadata routing nothing else can get it. "
            "Leave it out, or switch routing on by sklearn.set_config(enable_metadata_routing=True) and request it "
            f"where it belongs, such as by set_{request}_request({unknown[0]}=True) of a transformer."
        )
    first = _ASKED[caller][0]
    return lambda part, method: given if (part, method) == ("aligner", first) else {}
