"""A fitted estimator in a notebook: attributes by name, type and shape, and nothing large is made for it."""

import re
import tracemalloc

import numpy as np
import pytest
import sklearn
from everything import estimators
from scipy import sparse
from sklearn.utils.fixes import parse_version

from crossmodal_cca import CCA, PLSSVD

LISTS_ATTRIBUTES = parse_version(sklearn.__version__) >= parse_version("1.9")
X = sparse.random(80, 20_000, density=0.01, random_state=0, format="csr")
Y = np.random.default_rng(0).normal(size=(80, 600))


def page(estimator):
    """What is read on the page, without tags and styles."""
    text = re.sub(r"<(style|script)>.*?</\1>", "", estimator._repr_html_(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_nothing_large_is_made_for_the_page_or_for_completion(tmp_path):
    model = PLSSVD(3).fit(X, Y)
    model.save(tmp_path / "model", moments=False)
    stored = (tmp_path / "model").stat().st_size
    tracemalloc.start()
    try:
        shown, names = page(model), dir(model)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * stored + 2**20 < model.coef_.nbytes / 10
    assert {"coef_", "x_rotations_"} <= set(names)
    if LISTS_ATTRIBUTES:
        assert re.search(r"coef_ ndarray\[float\]\(600, 20000\) made when asked for", shown)
        assert re.search(r"x_rotations_ ndarray\[float64\]\(20000, 3\)", shown)


@pytest.mark.skipif(not LISTS_ATTRIBUTES, reason="scikit-learn lists fitted attributes from 1.9 on")
@estimators("copies")
def test_the_page_lists_fitted_attributes_that_there_are(row):
    made = row.ready()
    listed = made._get_fitted_attr_html()
    assert set(listed) <= set(dir(made))
    assert {name for name in dir(made) if name.endswith("_") and not name.startswith("_")} - set(listed) <= {
        "model_",
        "choice_",
    }
    assert len(page(made)) < 50_000


def test_before_a_fit_nothing_is_listed():
    assert not [name for name in dir(CCA()) if name.endswith("_") and not name.startswith("_")]
