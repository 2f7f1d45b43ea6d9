"""How long do few-shot heads and zero-shot prediction take beside the bare products they consist of?

Targets, as ratios of times in one process, float32:

- ESZSLClassifier and PrototypeClassifier on 16 shots of each of 1,000 classes × 512 features: at most 5 times the
  products, sums and the Cholesky factor that each consists of.
- GaussianDiscriminant on the same: at most 5 times those in double precision, of all shots and of all but a fold, and
  the product of the fold with the classes.
- PrototypeLogisticRegression on the same: at most 5 times two products of all shots with all classes, for each
  evaluation of its gradient, and at most 16 of these.
- Zero-shot prediction of 100,000 rows over 1,000 classes: at most 1.5 times the bare product, in blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import OURS, Row, Target, Task, compare, parse_arguments, report
from numpy.typing import NDArray
from scipy import linalg

from crossmodal_cca.transfer import (
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
)

Array = NDArray[Any]


def classes_around_directions(n_classes: int, n_shots: int, n_features: int) -> tuple[Array, Array, Array]:
    """Shots, their classes, and a description of each class."""
    rng = np.random.default_rng(0)
    descriptions = rng.standard_normal((n_classes, n_features), dtype=np.float32)
    labels = np.repeat(np.arange(n_classes), n_shots)
    shots = descriptions[labels] + 6 * rng.standard_normal((len(labels), n_features), dtype=np.float32)
    return shots, labels, descriptions


def closed_form(Z: Array, B: Array) -> Callable[[], Array]:
    """One Gram matrix, its Cholesky factor, and one solution for every class."""

    def run() -> Array:
        (syrk,) = linalg.get_blas_funcs(("syrk",), (Z,))
        G = syrk(1.0, Z.T, lower=1)
        G[np.diag_indices_from(G)] += 1.0
        factor = linalg.cho_factor(G, lower=True, check_finite=False)
        return linalg.cho_solve(factor, B, check_finite=False)

    return run


def heads(n_classes: int, n_shots: int, n_features: int, repeats: int) -> list[Row]:
    Z, labels, descriptions = classes_around_directions(n_classes, n_shots, n_features)
    size = f"{n_classes} classes × {n_shots} shots × {n_features}"
    bare = closed_form(Z, np.ascontiguousarray(descriptions.T))
    target = Target("<=", 5.0)
    rows = compare(
        f"closed forms, {size}",
        {
            "Gram matrix, Cholesky factor, solution": Task(bare),
            "ESZSLClassifier": Task(lambda: ESZSLClassifier(dict(enumerate(descriptions))).fit(Z, labels), target),
            "PrototypeClassifier": Task(lambda: PrototypeClassifier().fit(Z, labels), target),
        },
        repeats,
    )
    double, B, fifth = Z.astype(float), descriptions.T.astype(float), len(Z) // 5
    of_all, of_most = closed_form(double, B), closed_form(double[fifth:], B)

    def with_a_fold() -> None:
        of_all()
        double[:fifth] @ of_most()

    rows += compare(
        f"Gaussian classes, {size}",
        {
            "closed forms of all and of four fifths, a product": Task(with_a_fold),
            "GaussianDiscriminant": Task(lambda: GaussianDiscriminant().fit(Z, labels), target),
        },
        repeats,
    )
    prototypes = dict(enumerate(descriptions))
    head = PrototypeLogisticRegression(prototypes=prototypes)
    n_evaluations = head.fit(Z, labels).n_evaluations_

    def products() -> None:
        for _ in range(n_evaluations):
            S = Z @ descriptions.T
            S.T @ Z

    of_head = compare(
        f"PrototypeLogisticRegression, {size}",
        {
            f"two products, {n_evaluations} times": Task(products),
            OURS: Task(lambda: head.fit(Z, labels), target),
        },
        repeats,
    )
    of_head[1]["met"] &= n_evaluations <= 16
    return rows + of_head


def zero_shot(n_rows: int, n_classes: int, n_features: int, repeats: int) -> list[Row]:
    rng = np.random.default_rng(1)
    descriptions = rng.standard_normal((n_classes, n_features), dtype=np.float32)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    classifier = CrossModalClassifier().fit(descriptions, np.arange(n_classes))
    W = np.ascontiguousarray(descriptions.T)
    block = np.empty((8192, n_classes), np.float32)

    def product() -> None:
        for start in range(0, n_rows, len(block)):
            rows = X[start : start + len(block)]
            np.matmul(rows, W, out=block[: len(rows)])

    return compare(
        f"zero-shot prediction of {n_rows} rows, {n_classes} classes × {n_features}",
        {"product in blocks": Task(product), OURS: Task(lambda: classifier.predict(X), Target("<=", 1.5))},
        repeats,
    )


def main() -> None:
    arguments = parse_arguments(__doc__, "transfer")
    if arguments.quick:
        rows = heads(50, 4, 64, 3) + zero_shot(5_000, 100, 64, 3)
    else:
        rows = heads(1_000, 16, 512, 5) + zero_shot(100_000, 1_000, 512, 7)
    report(rows, arguments)


if __name__ == "__main__":
    main()
