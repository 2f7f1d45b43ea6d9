"""Rows of the table of everything public: aligners, each in the settings that are code of their own."""

from typing import Any

import numpy as np
from linear_models import pairs
from rows import Call, Row
from scipy.linalg import hadamard
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PairMoments,
    PLSCanonical,
    PLSRegression,
    PLSRegressionCV,
)
from crossmodal_cca.metrics import make_retrieval_scorer

X, Y = pairs(40, 5, 4)
NEW_X, NEW_Y = pairs(24, 5, 4, seed=1)
OTHER = dict(zip("Xy", pairs(31, 7, 3, seed=2), strict=True))
FITTED = CCA(3, shrinkage=0.3).fit(X, Y)

SEARCHES = "folds are made of the rows in their order"
DRAWN = "landmarks are drawn by their places in the order of rows"


def pair_call(name: str, order: str) -> Call:
    """A call with new pairs."""
    both = ("X", "y")
    optional = ("y",) if name == "transform" else ()
    return Call(
        name, {"X": NEW_X, "y": NEW_Y}, f"{name}-pair", together=both, settled=both, optional=optional, order=order
    )


def one_side(name: str, argument: str, rows: Any) -> Call:
    """A call with new rows of one side, answered row by row."""
    return Call(name, {argument: rows}, together=(argument,), settled=(argument,), order="rows")


SCORES_OF_NEW = (
    one_side("transform", "X", NEW_X),
    pair_call("transform", "rows"),
    one_side("transform_y", "y", NEW_Y),
    pair_call("score", "same"),
)
PREDICTIONS = (one_side("predict", "X", NEW_X), one_side("predict_x", "y", NEW_Y))
LINEAR = (
    *SCORES_OF_NEW,
    *PREDICTIONS,
    one_side("inverse_transform", "X", NEW_X[:, :2]),
    one_side("inverse_transform_y", "y", NEW_Y[:, :2]),
    Call("residual_covariance", {"modality": "x"}, "residual_covariance-x"),
    Call("residual_covariance"),
    Call("sample_y", {"X": NEW_X, "n_samples": 2, "random_state": 3}, settled=("X",)),
)
FIT = Call("fit", {"X": X, "y": Y}, together=("X", "y"), one_column=("y",))
FIT_WEIGHTED = Call(
    "fit",
    {"X": X, "y": Y, "sample_weight": np.linspace(0.5, 2, len(X))},
    together=("X", "y", "sample_weight"),
    one_column=("y",),
)
FIT_TRANSFORM = Call("fit_transform", {"X": X, "y": Y}, together=("X", "y"), one_column=("y",), order="rows")
PARTIAL_FIT = Call("partial_fit", {"X": NEW_X, "y": NEW_Y}, together=("X", "y"), settled=("X", "y"))
FIT_MOMENTS = Call("fit_moments", {"moments": PairMoments.from_arrays(NEW_X, NEW_Y)})
GOES_ON = (FIT_TRANSFORM, PARTIAL_FIT, FIT_MOMENTS)
FEW = {"X": X[:7], "y": Y[:7]}
FIT_FEW = Call("fit", FEW, "fit-few")
FIT_TRANSFORM_FEW = Call("fit_transform", FEW, "fit_transform-few")
STREAM_FEW = Call("partial_fit", FEW, "partial_fit-few")
MOMENTS_OF_FEW = Call("fit_moments", {"moments": PairMoments.from_arrays(*FEW.values())}, "fit_moments-few")
# The third feature of X is the sum of the others up to 1e-6: covariances cannot tell, and rows are not at hand.
NEARLY = np.column_stack([X[:, :2], X[:, 0] + X[:, 1] + 1e-6 * X[:, 2]])
STREAM_NEARLY = Call("partial_fit", {"X": NEARLY, "y": Y}, "partial_fit-nearly-collinear")
# Columns of a Hadamard matrix: sides without any covariance.
UNRELATED = dict(zip("Xy", np.split(hadamard(8)[:, 1:5].astype(float), 2, axis=1), strict=True))
FIT_UNRELATED = Call("fit", UNRELATED, "fit-unrelated")
FIT_TRANSFORM_UNRELATED = Call("fit_transform", UNRELATED, "fit_transform-unrelated")
# A side and itself: all training correlations are 1.
COPIES = {"X": X, "y": X}


def _linear(estimator: Any, **more: Any) -> Row:
    return Row(
        type(estimator),
        estimator=estimator,
        **{"calls": LINEAR, "fit": FIT, "changes": GOES_ON, "before_fit": OTHER} | more,
    )


def _kernel(estimator: Any, **more: Any) -> Row:
    calls = (*SCORES_OF_NEW, *PREDICTIONS)
    return Row(
        type(estimator), calls, estimator, **{"fit": FIT, "changes": (FIT_TRANSFORM,), "before_fit": OTHER} | more
    )


def _search(estimator: Any, calls: tuple[Call, ...] = LINEAR, **more: Any) -> Row:
    exempt = {"order": SEARCHES} | more.pop("exempt", {})
    return Row(type(estimator), calls, estimator, FIT, (FIT_TRANSFORM,), before_fit=OTHER, exempt=exempt, **more)


LANDMARKS = (X[:12], Y[:12])
OVERFITTED = (Call("fit", COPIES, "fit-copies"), Call("fit_transform", COPIES, "fit_transform-copies"))
ALIGNERS = {
    "cca": _linear(
        CCA(2),
        fit=FIT_WEIGHTED,
        before={"shrinkage": (0.2, "oas"), "power": 1.0},
        warned=(FIT_FEW, FIT_TRANSFORM_FEW, STREAM_FEW, MOMENTS_OF_FEW, STREAM_NEARLY),
    ),
    "cca-shrunk": _linear(CCA(2, shrinkage=(0.4, 0.1), power=1.0)),
    "cca-oas": _linear(CCA(2, shrinkage="oas", scale=False)),
    "cca-moments": _linear(CCA(2, solver="moments"), before={"solver": "svd"}, warned=(FIT_FEW,)),
    "cca-svd": _linear(CCA(2, solver="svd"), changes=(FIT_TRANSFORM,), warned=(FIT_FEW,)),
    "cca-randomized": _linear(
        CCA(2, shrinkage=0.5, solver="randomized", random_state=0),
        calls=tuple(call for call in LINEAR if call.name not in ("residual_covariance", "sample_y")),
        changes=(FIT_TRANSFORM,),
        before={"solver": "auto"},
    ),
    "pls-svd": _linear(PLSSVD(2)),
    "pls-canonical": _linear(PLSCanonical(2, power=1.0), warned=(FIT_UNRELATED, FIT_TRANSFORM_UNRELATED)),
    "pls-regression": _linear(PLSRegression(2), fit=FIT_WEIGHTED, warned=(FIT_UNRELATED,)),
    "pls-regression-one-target": Row(
        PLSRegression,
        (
            SCORES_OF_NEW[0],
            PREDICTIONS[0],
            Call("score", {"X": NEW_X, "y": NEW_Y[:, 0]}, together=("X", "y"), settled=("X",), order="same"),
            Call("transform_y", {"y": NEW_Y[:, 0]}, together=("y",), order="rows"),
            Call("predict_x", {"y": NEW_Y[:, 0]}, together=("y",), order="rows"),
        ),
        PLSRegression(2),
        Call("fit", {"X": X, "y": Y[:, 0]}, together=("X", "y")),
        before_fit=OTHER,
    ),
    "kernel": _kernel(
        KernelCCA(2, power=1.0),
        before={"approximation": "nystroem", "n_landmarks": 9, "random_state": 0},
        warned=OVERFITTED,
    ),
    "kernel-linear": _kernel(KernelCCA(2, kernel="linear", regularization=0.1), before={"kernel": "rbf"}),
    "kernel-nystroem": _kernel(
        KernelCCA(2, approximation="nystroem", n_landmarks=12, random_state=0),
        before={"approximation": None},
        exempt={"order": DRAWN},
    ),
    "kernel-landmarks": _kernel(
        KernelCCA(2, gamma=0.05, approximation="nystroem", landmarks=LANDMARKS),
        changes=(FIT_TRANSFORM, PARTIAL_FIT),
        before={"landmarks": "pivoted", "approximation": "nystroem"},
    ),
    "kernel-fourier": _kernel(
        KernelCCA(2, gamma=0.05, approximation="fourier", n_landmarks=12, random_state=0),
        changes=(FIT_TRANSFORM, PARTIAL_FIT),
        before={"approximation": None},
    ),
    "cca-cv": _search(CCACV(2, shrinkages=(0.0, 0.5), cv=3), before={"shrinkages": (0.3,)}),
    "cca-cv-retrieval": _search(
        CCACV([2], shrinkages=(0.1, 0.5), cv=3, scoring=make_retrieval_scorer("hit_rate_at_5")),
        before={"scoring": "correlation"},
    ),
    "pls-regression-cv": _search(PLSRegressionCV([2, 3], cv=3, one_standard_error=True), before={"scale": False}),
    "kernel-cv": _search(
        KernelCCACV(2, width_factors=(1.0,), regularizations=(0.01, 0.1), cv=3),
        (*SCORES_OF_NEW, *PREDICTIONS),
        before={"approximation": "nystroem", "n_landmarks": 9, "random_state": 0},
    ),
    "kernel-cv-nystroem": _search(
        KernelCCACV(
            2,
            width_factors=(1.0,),
            regularizations=(0.1,),
            cv=3,
            approximation="nystroem",
            n_landmarks=9,
            random_state=0,
        ),
        (*SCORES_OF_NEW, *PREDICTIONS),
    ),
    "pipeline": _linear(
        CrossModalPipeline(CCA(2)),
        changes=(FIT_TRANSFORM, PARTIAL_FIT),
        warned=(FIT_FEW, FIT_TRANSFORM_FEW, STREAM_FEW),
    ),
    "pipeline-transformers": _linear(
        CrossModalPipeline(CCA(2), x_transformer=StandardScaler(), y_transformer=PCA(3, random_state=0)),
        changes=(FIT_TRANSFORM,),
        before={"x_transformer": None},
        exempt={"files": "transformers are scikit-learn's own: save says to use skops"},
    ),
}
