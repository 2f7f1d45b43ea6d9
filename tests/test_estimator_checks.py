"""scikit-learn's own checks of every public estimator."""

import pytest
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import crossmodal_cca
from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PLSCanonical,
    PLSRegression,
    PLSRegressionCV,
)
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

# One of each class, and of those that are code of their own: settings have laws of their own.
ESTIMATORS = [
    CCA(shrinkage=0.5, power=1.0),
    PLSSVD(),
    PLSCanonical(),
    PLSRegression(),
    KernelCCA(),
    KernelCCA(kernel=("precomputed", "rbf")),
    KernelCCA(approximation="nystroem", random_state=0),
    KernelCCA(approximation="fourier", gamma=0.1, n_landmarks=20, random_state=0),
    CCACV(cv=3),
    PLSRegressionCV(cv=3),
    KernelCCACV(cv=3, width_factors=(1.0,), regularizations=(1e-2,)),
    CrossModalPipeline(PLSRegression(1), x_transformer=MinMaxScaler()),
    PrototypeClassifier(),
    PrototypeSimilarity(),
    CacheSimilarity(),
    GaussianDiscriminant(),
    PrototypeLogisticRegression(),
    ESZSLClassifier(),
    # Without an aligner of fixed widths these are ordinary estimators.
    SharedSpace(center=True, unit_length=True),
    CrossModalClassifier(),
]

# scikit-learn expects, by the names of its own four classes, that fit_transform returns a pair. Here it returns the
# x-scores alone, so that the estimators work in the middle of a Pipeline.
RETURNS_X_SCORES_ONLY = dict.fromkeys(
    ("check_transformer_general", "check_transformer_data_not_an_array"),
    "scikit-learn expects a tuple from fit_transform of classes with this name",
)
TRUNCATES_A_KERNEL = {
    "check_estimators_dtypes": "scikit-learn truncates the kernel to integers, of no feature space then"
}
SKLEARN_NAMES = {"CCA", "PLSSVD", "PLSCanonical", "PLSRegression"}


def test_every_public_estimator_is_checked():
    modules = (crossmodal_cca, crossmodal_cca.transfer)
    public = {name for module in modules for name in module.__all__ if hasattr(getattr(module, name), "get_params")}
    assert public == {type(estimator).__name__ for estimator in ESTIMATORS}


def expected_failures(estimator):
    if type(estimator).__name__ in SKLEARN_NAMES:
        return RETURNS_X_SCORES_ONLY
    return TRUNCATES_A_KERNEL if "precomputed" in getattr(estimator, "kernel", ()) else {}


# The checks fit tiny samples, some of which deserve a warning.
@pytest.mark.filterwarnings(
    "ignore:The (ranks|covariance) of X", "ignore:The covariances are ill-conditioned", "ignore:All .* training corr"
)
@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
