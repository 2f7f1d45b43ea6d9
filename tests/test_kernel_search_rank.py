"""A kernel search chooses a number of components that its final fit can have."""

from __future__ import annotations

import numpy as np

from crossmodal_cca import KernelCCA, KernelCCACV


def test_components_of_rounding_count_nothing():
    # Smooth kernels of few features share fewer pairs than either has directions.
    rng = np.random.default_rng(4)
    Z = rng.standard_normal((120, 1))
    X, Y = (A + 0.1 * rng.standard_normal((120, 2)) for A in (Z, Z**2))
    search = KernelCCACV(width_factors=[0.3], regularizations=[1e-3], cv=3).fit(X, Y)
    assert search.n_components_ == search.best_params_["n_components"]
    means = search.cv_results_["mean_test_score"]
    possible = KernelCCA(gamma=search.gamma_, regularization=1e-3).fit(X, Y).n_components_
    assert len(means) > possible + 4
    np.testing.assert_array_equal(means[possible + 4 :], means[-1])


def test_a_final_fit_with_fewer_components_chooses_among_so_few():
    # Rows of the fold vary alike in all features; in all rows one is so large that the ridge hides the others.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    X[50:, 0] *= 1e8
    Y = X * rng.uniform(0.5, 1.5, (60, 4))
    folds = [(np.arange(30), np.arange(30, 50))]
    settings = {"kernel": "linear", "regularizations": [1e-3], "cv": folds}
    search = KernelCCACV(**settings).fit(X, Y)
    assert search.n_components_ == search.best_params_["n_components"] == search.cv_results_["param_n_components"].max()
    assert search.n_components_ < 4
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    with np.testing.assert_raises_regex(ValueError, "n_components=4 is more than"):
        KernelCCACV([4], **settings).fit(X, Y)
