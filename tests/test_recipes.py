"""The recipes of contributing.md hold: a toy of each kind, added as they say, obeys the laws of its kind.

A measure is added in `test_law_measures.py`.
"""

import inspect
from dataclasses import dataclass

import numpy as np
import pytest
import test_invariances
import test_kernel_values
import test_law_copies
import test_law_fit
import test_law_names
import test_law_rows
import test_plotting
import test_similarity
import test_solvers
from aligner_rows import _linear
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data
from space_rows import LABELS, NEW_LABELS, NEW_POINTS, POINTS_Y, _head

from crossmodal_cca import CCA, KernelCCA, metrics, plotting, retrieval
from crossmodal_cca._files import SavedMixin
from crossmodal_cca._names_in_docs import LISTS
from crossmodal_cca._schemas import REGISTRY, saved
from crossmodal_cca._similarity import SIMILARITIES, Cosine
from crossmodal_cca.alignment._solvers import SOLVERS, Solver
from crossmodal_cca.alignment.pls import _PLS
from crossmodal_cca.kernels._kernel_table import KERNELS, NamedKernel, distance
from crossmodal_cca.linalg._solve_pls import solve_pls_svd
from crossmodal_cca.plotting._display import NamedDisplay, display
from crossmodal_cca.rows import _validation
from crossmodal_cca.rows._stored import DenseRows
from crossmodal_cca.transfer import CrossModalClassifier, PrototypeClassifier
from crossmodal_cca.transfer._heads import PrototypeHead

X, Y = pairs(120)


@pytest.fixture
def register(monkeypatch):
    """Registers a class that files may hold, until the test ends."""

    def registered(cls):
        monkeypatch.setitem(REGISTRY, cls.__name__, None)
        return saved()(cls)

    return registered


def obeys_general_laws(row, tmp_path):
    test_law_fit.test_fitting_twice_equals_fitting_once(row)
    test_law_fit.test_a_fit_forgets_every_earlier_one(row)
    test_law_fit.test_questions_change_nothing_and_nothing_changes_parameters_or_data(row)
    test_law_copies.test_a_clone_has_the_parameters_and_nothing_else(row)
    test_law_copies.test_a_copy_is_the_same_and_goes_on_by_itself(row)
    test_law_copies.test_what_is_saved_comes_back_to_the_last_bit(row, tmp_path)
    test_law_names.test_other_names_and_another_order_are_refused(row)
    test_law_rows.test_a_row_is_answered_whatever_stands_beside_it(row)
    test_law_rows.test_dataframes_give_what_arrays_give(row)


class Shared(_PLS):
    """A linear method: a constructor, and how it is solved."""

    def __init__(self, n_components=None, *, scale=True, power=0.0):
        self.n_components = n_components
        self.scale = scale
        self.power = power

    def _components(self, S, k, Z):
        return solve_pls_svd(S, k, Z)


def test_a_linear_method(register, tmp_path):
    row = _linear(register(Shared)(2))
    obeys_general_laws(row, tmp_path)
    test_law_names.test_scores_are_named_as_get_feature_names_out_says(row)
    model = Shared(3)
    for law in (
        test_invariances.test_unit_of_a_side_changes_nothing,
        test_invariances.test_units_of_features_change_nothing,
        test_invariances.test_order_of_rows_changes_nothing,
        test_invariances.test_swapping_the_sides_swaps_the_results,
        test_invariances.test_weights_are_repetitions,
        test_invariances.test_batches_of_any_size_and_order_equal_one_fit,
        test_invariances.test_moments_serve_as_rows,
    ):
        law(model)


def test_a_solver_of_cca(monkeypatch):
    def solve_in_double(task):
        pair = task.in_double()
        return pair, task.solve(pair, None, tentative=False)

    monkeypatch.setitem(SOLVERS, "double", Solver(solve_in_double, needs_rows=True, forms_covariances=True))
    test_solvers.test_every_solver_has_the_same_solution("double")
    test_solvers.test_cca_solves_the_generalised_eigenproblem(solver="double", scale=True, shrinkage=(0.3, 0.3))
    test_solvers.test_solvers_that_need_the_rows_say_so("double")


def test_a_kernel(monkeypatch):
    def values(A, base, *, gamma):
        return 1 / (1 + gamma * distance().cdist(A, base, "sqeuclidean"))

    def formula(a, b, gamma):
        return 1 / (1 + gamma * sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))

    known = {"is_definite": True, "is_shift_invariant": True, "diagonal": 1.0, "distances": KERNELS["rbf"].distances}
    monkeypatch.setitem(KERNELS, "cauchy", NamedKernel("cauchy", ("gamma",), values, **known))
    monkeypatch.setitem(test_kernel_values.FORMULAS, "cauchy", formula)
    monkeypatch.setitem(test_kernel_values.TAKES, "cauchy", ("gamma",))
    test_kernel_values.test_every_kernel_with_a_name_has_a_formula()
    test_kernel_values.test_what_the_table_says_of_a_kernel_is_true("cauchy")
    test_kernel_values.test_values_follow_the_formula("cauchy")
    model = KernelCCA(2, kernel="cauchy", gamma=0.05).fit(X, Y)
    exact = KernelCCA(2, kernel="precomputed").fit(*(values(A, A, gamma=0.05) for A in (X, Y)))
    assert_allclose(model.singular_values_, exact.singular_values_, rtol=1e-8)


class Correlation(Cosine):
    """A similarity: the cosine of rows about their own mean."""

    name, label = "correlation", "correlation"

    def laid_out(self, gallery, like=None):
        return super().laid_out(about_mean(gallery), like)._replace(queries=unit_about_mean)

    def laid_out_exactly(self, queries, gallery, dtype):
        return None

    def in_double(self, queries, items, units):
        return super().in_double(about_mean(queries), about_mean(items), units)

    def embedded(self, rows):
        return super().embedded(about_mean(rows))

    def matrix(self, x, y):
        return super().matrix(about_mean(x), about_mean(y))


def about_mean(rows):
    return rows - rows.mean(axis=1, keepdims=True)


def unit_about_mean(rows):
    return Cosine().embedded(about_mean(rows))


def test_a_similarity(monkeypatch):
    expected = cdist(test_similarity.QUERIES, test_similarity.GALLERY, "correlation")
    monkeypatch.setitem(SIMILARITIES, "correlation", Correlation())
    monkeypatch.setitem(test_similarity.DISTANCES, "correlation", expected)
    for law in (
        test_similarity.test_the_layout_orders_items_as_the_similarity_does,
        test_similarity.test_a_part_is_laid_out_like_the_whole,
        test_similarity.test_embedded_pairs_have_the_distance_of_the_definition,
        test_similarity.test_searches_find_the_nearest,
        test_similarity.test_ranks_are_those_of_the_distances,
        test_similarity.test_pictures_show_the_similarity_with_its_label,
    ):
        law("correlation")


class NearestMean(SavedMixin, ClassifierMixin, BaseEstimator):
    """A head, and a saved class: products with the means of classes, or with prototypes in their place."""

    _stored = {"classes_": np.ndarray, "means_": np.ndarray}  # noqa: RUF012

    def __init__(self, *, prototypes=None):
        self.prototypes = prototypes

    def with_prototypes(self, prototypes):
        return clone(self).set_params(prototypes=prototypes)

    def fit(self, X, y):
        X, y = validate_data(self, X, y=y)
        means = {c: X[y == c].mean(axis=0) for c in np.unique(y)} | dict(self.prototypes or {})
        self.classes_, self.means_ = np.array(sorted(means)), np.array([means[c] for c in sorted(means)])
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        return validate_data(self, X, reset=False) @ self.means_.T

    def predict(self, X):
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def predict_proba(self, X):
        scores = np.exp(self.decision_function(X))
        return scores / scores.sum(axis=1, keepdims=True)


def test_a_head_that_is_saved(register, tmp_path):
    head = register(NearestMean)()
    obeys_general_laws(_head(head), tmp_path)
    assert isinstance(head, PrototypeHead)
    found = CrossModalClassifier(classifier=head, temperature=1.0)
    found.fit(POINTS_Y, LABELS, shots=NEW_POINTS, shot_labels=NEW_LABELS)
    found.save(tmp_path / "classifier")
    again = CrossModalClassifier.load(tmp_path / "classifier")
    assert_array_equal(again.predict(NEW_POINTS), found.predict(NEW_POINTS))
    zero_shot = PrototypeClassifier().fit(POINTS_Y, LABELS)
    assert_array_equal(found.predict(NEW_POINTS), zero_shot.predict(NEW_POINTS))


@display
class PairDisplay(NamedDisplay):
    """First scores of pairs.

    Parameters
    ----------
    x_scores, y_scores : ndarray of shape (n_rows, n_components)
        Scores of pairs.
    """

    x_scores: np.ndarray
    y_scores: np.ndarray

    @classmethod
    def from_predictions(cls, x_scores, y_scores, *, name=None, ax=None):
        """Draw scores.

        Raises
        ------
        ValueError
            If there are none.
        """
        return cls(x_scores, y_scores, name=name).plot(ax)

    @classmethod
    def from_estimator(cls, aligner, X, y, *, name=None, **options):
        """Draw the scores of rows."""
        return cls.from_predictions(*aligner.transform(X, y), name=name or type(aligner).__name__, **options)

    def _draw(self, ax, *, name=None):
        ax.scatter(self.x_scores[:, 0], self.y_scores[:, 0])
        ax.set(xlabel="x", ylabel="y", title=name or "pairs")


def test_a_picture():
    test_plotting.test_every_display_draws_on_new_and_given_axes_with_a_title_and_labels(PairDisplay)
    test_plotting.mpl.pyplot.close("all")
    of_rows = PairDisplay.from_estimator
    assert list(inspect.signature(of_rows).parameters) == ["aligner", "X", "y", "name", "ax"]
    assert all(f"\n{name} : " in of_rows.__doc__ for name in ("aligner", "X", "y", "name", "ax"))
    assert "If there are none." in of_rows.__doc__


@dataclass(frozen=True, eq=False)
class CodedRows(DenseRows):
    """A container: rows as whole numbers, in a unit."""

    unit: float = 1.0

    def __getitem__(self, part):
        return super().__getitem__(part) * self.unit


@pytest.mark.parametrize("model", [CCA(2), CCA(2, solver="svd"), KernelCCA(2, gamma=0.01)], ids=str)
def test_a_container(model, monkeypatch):
    codes = [np.rint(8 * A).astype(np.int16) for A in (X, Y)]
    rows = [A / 8 for A in codes]
    expected = clone(model).fit(*rows)
    answers = [expected.transform_y(rows[1]), expected.predict(rows[0])]
    monkeypatch.setattr(_validation, "rows_in_memory", lambda A: CodedRows(A, unit=1 / 8))
    found = clone(model).fit(*codes)
    for scores, plain in zip((found.transform_y(codes[1]), found.predict(codes[0])), answers, strict=True):
        assert_allclose(scores, plain, atol=1e-10)


def test_help_lists_what_the_tables_hold():
    public = [getattr(home, name) for home in (metrics, plotting, retrieval) for name in home.__all__]
    made = [each.from_predictions for each in public if hasattr(each, "from_predictions")]
    texts = [each.__doc__ or "" for each in (KernelCCA, *public, *made)]
    assert not any(mark in text for mark in LISTS for text in texts)
    assert all(any(names in text for text in texts) for names in LISTS.values())
