"""Rows of the table of everything public: what works in a shared space, indexes and heads."""

from typing import Any

import numpy as np
from aligner_rows import FITTED, NEW_X, NEW_Y, X, Y, one_side
from rows import Call, Row

from crossmodal_cca.retrieval import ConformalSets, CrossModalIndex, SearchConfidence
from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    PrototypeSimilarity,
    SharedSpace,
)

# Points of a shared space, with classes that lie in different directions.
POINTS_X, POINTS_Y = FITTED.transform(X, Y)
LABELS = np.array(["ant", "bee", "cat"])[np.abs(POINTS_X).argmax(axis=1)]
NEW_POINTS = FITTED.transform(NEW_X)
NEW_LABELS = np.array(["ant", "bee", "cat"])[np.abs(NEW_POINTS).argmax(axis=1)]
PROTOTYPES = {name: POINTS_Y[name == LABELS].mean(axis=0) for name in ("ant", "bee", "cat")}
IDS = np.array([f"item {i}" for i in range(len(X))])
NO_NAMES = "rows of a shared space: the names of its dimensions are the aligner's"
ITS_NAMES = {"names": NO_NAMES, "containers": "its aligner was fitted without names"}


def _index(estimator: Any, fit: dict[str, Any], queries: Any, more: Any, **kwargs: Any) -> Row:
    """An index; rows of its own widths are settled once there is an aligner."""
    ids = {"ids": [f"more {i}" for i in range(len(more))]} if "ids" in fit else {}
    together = ("gallery", *(("ids",) if "ids" in fit else ()))
    settled = tuple(name for name in ("gallery", "query_bank") if name in fit) if estimator.aligner else ()
    search = {"queries": queries, "n_neighbors": 3}
    within = {"within": fit["ids"][2:9] if "ids" in fit else range(2, 9)}
    return Row(
        CrossModalIndex,
        (
            Call("kneighbors", search, together=("queries",), settled=("queries",), order="rows"),
            Call(
                "kneighbors",
                search | within,
                "kneighbors within",
                together=("queries",),
                settled=("queries",),
                order="rows",
            ),
            one_side("query_embeddings", "queries", queries),
            Call("show", search, settled=("queries",)),
        ),
        estimator,
        Call("fit", fit, together=together, settled=settled),
        (
            Call("add", {"rows": more} | ids, together=("rows", *ids), settled=("rows",)),
            Call("remove", {"ids": fit["ids"][:2] if "ids" in fit else [0, 1]}),
        ),
        **kwargs,
    )


CSLS = {"hubness": "csls", "hubness_neighbors": 5}
INDEXES = {
    "index": _index(
        CrossModalIndex(),
        {"gallery": POINTS_Y},
        NEW_POINTS,
        NEW_POINTS,
        before=CSLS,
        before_fit={"gallery": X, "ids": IDS, "query_bank": X[:9]},
        warned=(Call("fit", {"gallery": np.pad(POINTS_Y, ((0, 1), (0, 0)))}, "of a zero row"),),
        exempt={"names": NO_NAMES, "order": "ids are numbers in the order of rows"},
    ),
    "index-centred": _index(
        CrossModalIndex(modality="x", center=True),
        {"gallery": POINTS_X + 5, "ids": IDS, "query_bank": POINTS_Y - 5},
        NEW_POINTS - 5,
        NEW_POINTS + 5,
        before={"center": False},
        before_fit={"gallery": X},
        exempt={"names": NO_NAMES},
    ),
    "index-euclidean": _index(
        CrossModalIndex(similarity="euclidean"),
        {"gallery": POINTS_Y, "ids": IDS},
        NEW_POINTS,
        NEW_POINTS,
        before_fit={"gallery": X},
        exempt={"names": NO_NAMES},
    ),
    "index-aligned": _index(
        CrossModalIndex(FITTED, modality="x"),
        {"gallery": X, "ids": IDS},
        NEW_Y,
        NEW_X,
        before={"modality": "y"},
        before_fit={"gallery": Y},
        exempt=ITS_NAMES,
    ),
    "index-csls": _index(
        CrossModalIndex(FITTED, **CSLS),
        {"gallery": Y, "ids": IDS, "query_bank": X},
        NEW_X,
        NEW_Y,
        before={"hubness": None},
        before_fit={"gallery": NEW_Y},
        exempt=ITS_NAMES,
    ),
    "index-nnn": _index(
        CrossModalIndex(similarity="dot", hubness="nnn"),
        {"gallery": POINTS_Y, "ids": IDS, "query_bank": POINTS_X},
        NEW_POINTS,
        NEW_POINTS,
        before={"hubness": None},
        before_fit={"gallery": X},
        exempt={"names": NO_NAMES},
    ),
}

PAIRED = {"queries": POINTS_X, "gallery": POINTS_Y, "query_ids": IDS, "gallery_ids": IDS}
TOGETHER = {"together": ("queries", "query_ids"), "also_together": ("gallery", "gallery_ids")}
ASKED = {"queries": POINTS_X[:30], "query_ids": IDS[:30]}
OF_ASKED = {"together": tuple(ASKED), "settled": ("queries",)}
KINDS = np.where(np.arange(len(IDS)) % 2, "odd", "even")
INSTRUMENTS = {
    "confidence": Row(
        SearchConfidence,
        (
            one_side("confidence", "queries", NEW_POINTS),
            Call("threshold", {"risk": 0.5, "confidence_level": 0.5}),
            Call("answer", {"queries": NEW_POINTS, "risk": 0.5, "confidence_level": 0.5}, settled=("queries",)),
            Call("expected_hit_rate", {"queries": NEW_POINTS}, settled=("queries",)),
            Call("is_right", ASKED, **OF_ASKED),
        ),
        SearchConfidence(k=2),
        Call("fit", PAIRED, **TOGETHER),
        before={"k": 1},
        before_fit={"queries": X, "gallery": np.vstack((X[:9], X[:8:-1]))},
        exempt={"names": NO_NAMES},
    ),
    "confidence-aligned": Row(
        SearchConfidence,
        (one_side("confidence", "queries", NEW_X),),
        SearchConfidence(FITTED),
        Call("fit", PAIRED | {"queries": X, "gallery": Y}, **TOGETHER, settled=("queries", "gallery")),
        before={"similarity": "dot"},
        before_fit={"queries": NEW_X, "gallery": NEW_Y},
        exempt=ITS_NAMES,
    ),
    "sets": Row(
        ConformalSets,
        (
            Call("predict_set", {"queries": NEW_POINTS}, together=("queries",), settled=("queries",)),
            Call("report", ASKED, **OF_ASKED),
        ),
        ConformalSets(),
        Call("fit", PAIRED, **TOGETHER),
        before={"confidence_level": 0.8, "similarity": "euclidean"},
        before_fit={"queries": X, "gallery": X},
        warned=(Call("fit", {"queries": POINTS_X[:5], "gallery": POINTS_Y[:5]}, "of few queries"),),
        exempt={"names": NO_NAMES},
    ),
    "sets-kinds": Row(
        ConformalSets,
        (
            Call("predict_set", {"queries": X, "by": KINDS}, together=("queries", "by"), settled=("queries",)),
            Call(
                "report",
                {"queries": X, "query_ids": LABELS, "by": KINDS},
                together=("queries", "query_ids", "by"),
                settled=("queries",),
            ),
        ),
        ConformalSets(FITTED, measure="recall"),
        Call(
            "fit",
            {"queries": X, "gallery": Y, "query_ids": LABELS, "gallery_ids": LABELS, "by": KINDS},
            together=("queries", "query_ids", "by"),
            also_together=("gallery", "gallery_ids"),
            settled=("queries", "gallery"),
        ),
        before={"measure": "hit_rate", "aligner": None},
        before_fit={"queries": Y, "gallery": Y},
        exempt=ITS_NAMES,
    ),
}

CLASSES = {"X": POINTS_X, "y": LABELS}
OTHER_CLASSES = {"X": X, "y": np.where(LABELS == "ant", 1, 0)}
FIT_CLASSES = Call("fit", CLASSES, together=("X", "y"))
OF_CLASSES = (
    *(one_side(name, "X", NEW_POINTS) for name in ("decision_function", "predict", "predict_proba")),
    Call("score", {"X": NEW_POINTS, "y": NEW_LABELS}, together=("X", "y"), settled=("X",), order="same"),
)
# Makes another head, of the parameters as they are then.
ANEW = (Call("with_prototypes", {"prototypes": PROTOTYPES}),)
FEATURES = (one_side("transform", "X", NEW_POINTS),)


def _head(estimator: Any, calls: tuple[Call, ...] = OF_CLASSES, **more: Any) -> Row:
    defaults = {"fit": FIT_CLASSES, "before_fit": OTHER_CLASSES}
    return Row(type(estimator), calls, estimator, **defaults | more)


SHOTS = {"shots": NEW_POINTS, "shot_labels": NEW_LABELS}
FIT_SHOTS = Call("fit", CLASSES | SHOTS, together=("shots", "shot_labels"), settled=("shots",))
HEADS = {
    "cache": _head(
        CacheSimilarity(),
        (
            *FEATURES,
            Call(
                "scores_beside",
                {"zero_shot": PrototypeClassifier().fit(POINTS_Y, LABELS), "X": NEW_POINTS},
                together=("X",),
                settled=("X",),
                order="rows",
            ),
        ),
        changes=(Call("fit_transform", CLASSES, together=("X", "y"), order="rows"),),
        before={"beta": 1.0},
    ),
    "prototype-similarity": _head(PrototypeSimilarity(), FEATURES),
    "prototypes": _head(
        PrototypeClassifier(),
        before={"temperature": 1.0},
        fit=Call("fit", CLASSES | {"sample_weight": np.linspace(0.5, 2, len(X))}, together=("X", "y", "sample_weight")),
    ),
    "discriminant": _head(GaussianDiscriminant(), changes=ANEW, before={"prior_shots": 2.0}),
    "discriminant-prototypes": _head(GaussianDiscriminant(prototypes=PROTOTYPES), before={"prototypes": None}),
    "prototype-logistic": _head(
        PrototypeLogisticRegression(),
        changes=ANEW,
        before={"adaptive": False},
        warned=(FIT_CLASSES,),
        warned_with={"max_iter": 1},
    ),
    "prototype-logistic-prototypes": _head(
        PrototypeLogisticRegression(prototypes=PROTOTYPES), before={"prototypes": None}
    ),
    "eszsl": _head(ESZSLClassifier(), before={"calibration": 1.0}),
    "eszsl-attributes": _head(ESZSLClassifier(PROTOTYPES), before={"attributes": None}),
    "cross-modal": _head(
        CrossModalClassifier(),
        before={"shot_weight": None},
        exempt={"names": NO_NAMES},
    ),
    "cross-modal-centred": _head(
        CrossModalClassifier(center=True),
        fit=Call("fit", CLASSES | {"unlabelled": POINTS_X}, settled=("unlabelled",)),
        before={"center": False},
        exempt={"names": NO_NAMES},
    ),
    "cross-modal-shots": _head(
        CrossModalClassifier(FITTED, shot_weight="cv"),
        tuple(one_side(call.name, "X", NEW_X) for call in OF_CLASSES[:3]),
        fit=Call(
            "fit",
            {"X": Y, "y": LABELS, "shots": NEW_X, "shot_labels": NEW_LABELS},
            together=("shots", "shot_labels"),
            settled=("X", "shots"),
        ),
        before={"shot_weight": 1.0, "aligner": None},
        exempt=ITS_NAMES,
    ),
    "shared-space": _head(
        SharedSpace(center=True, unit_length=True),
        FEATURES,
        fit=Call("fit", {"X": POINTS_X}),
        before={"unit_length": False},
        before_fit={"X": X},
    ),
    "shared-space-aligned": _head(
        SharedSpace(FITTED, "y"),
        (one_side("transform", "X", NEW_Y),),
        fit=Call("fit", {"X": Y}, settled=("X",)),
        before={"center": True, "aligner": None},
        before_fit={"X": X},
        exempt={"names": NO_NAMES},
    ),
}
SPACES = INDEXES | INSTRUMENTS | HEADS
