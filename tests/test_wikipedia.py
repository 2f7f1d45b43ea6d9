"""The classical benchmark: 2173 training and 693 test articles, class relevance, full-list average precision.

The figures are those of the reference table the package was designed against; 95 % intervals are about ±.01.
"""

import numpy as np
import pytest
from real_data import load

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.metrics import mean_average_precision


@pytest.fixture(scope="module")
def wiki():
    return load("wiki")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (CCA(7), (0.2463, 0.2007, 0.2235)),
        (CCA(7, solver="svd"), (0.2463, 0.2007, 0.2235)),
        (CCA(9, power=1.0), (0.2584, 0.2106, 0.2345)),
        (CCA(9, shrinkage=0.5, power=1.0), (0.2716, 0.2253, 0.2484)),
        (PLSSVD(7), (0.2470, 0.1980, 0.2225)),
    ],
    ids=str,
)
def test_mean_average_precision(wiki, model, expected):
    model.fit(wiki["I_tr"], wiki["T_tr"])
    image, text = model.transform(wiki["I_te"], wiki["T_te"])
    labels = {"query_ids": wiki["y_te"], "gallery_ids": wiki["y_te"]}
    found = mean_average_precision(image, text, **labels), mean_average_precision(text, image, **labels)
    np.testing.assert_allclose((*found, np.mean(found)), expected, atol=0.003)


def test_topic_shares_that_sum_to_one_have_nine_directions(wiki):
    assert CCA().fit(wiki["I_tr"], wiki["T_tr"]).n_components_ == 9
