"""A common unit of all values changes no answer, also where their squares would overflow or vanish."""

import numpy as np
import pandas as pd
import pytest

from crossmodal_cca import CCA
from crossmodal_cca.diagnosis import DriftMonitor, find_slices, modality_gap

UNITS = [1e200, 1e-200, 3.0]
RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((400, 6))
Y = 0.5 * ROWS[:, ::-1] + RNG.standard_normal((400, 6)) + 1


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_of_a_modality_gap(unit, similarity):
    expected, found = (
        modality_gap(ROWS[:60] * a, Y[:60] * a, similarity=similarity, n_permutations=59, random_state=0)
        for a in (1.0, unit)
    )
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("of_outcome", [1.0, 1e200, 1e-200, 1e308])
def test_of_slices(unit, of_outcome):
    outcome = (ROWS[:, 0] > 0.5) * 1.0
    expected = find_slices(ROWS, outcome, n_permutations=99, random_state=0)
    found = find_slices(ROWS * unit, outcome * of_outcome, n_permutations=99, random_state=0)
    same = ["n_rows", "n_tested", "effect", "p_uncorrected", "p_value", "names"]
    pd.testing.assert_frame_equal(found[same], expected[same], rtol=1e-9)
    for name in ("outcome", "outside", "difference"):
        np.testing.assert_allclose(found[name], expected[name] * of_outcome, rtol=1e-9)


@pytest.mark.parametrize("unit", UNITS)
def test_of_drift_without_an_aligner(unit):
    tables, streams = [], []
    for a in (1.0, unit):
        monitor = DriftMonitor(n_permutations=259).fit(ROWS[:300] * a, Y[:300] * a)
        tables.append(monitor.test(ROWS[300:] * a, Y[300:] * a))
        streams.append(monitor.update(ROWS[300:] * a, Y[300:] * a).stream_)
    pd.testing.assert_frame_equal(tables[1], tables[0], rtol=1e-6)
    pd.testing.assert_frame_equal(streams[1], streams[0], rtol=1e-6)


@pytest.mark.parametrize("aligner", [None, CCA(4).fit(ROWS[:150], Y[:150])])
@pytest.mark.parametrize("size", [1e20, 1e200, 1e300])
def test_a_row_far_away_is_told_and_spoils_no_figure(aligner, size):
    monitor = DriftMonitor(aligner, n_permutations=259).fit(ROWS[150:300], Y[150:300])
    X = ROWS[300:].copy()
    X[5] *= size
    table, unusual = monitor.test(X, Y[300:]), monitor.unusual_rows(X, Y[300:])
    assert np.isfinite(table[["statistic", "effect", "p_value"]]).all(axis=None)
    assert np.isfinite(unusual["value"]).all()
    first = unusual.iloc[0]
    assert (first["row"], first["what"]) == (5, "x far rows")
    assert np.isfinite(monitor.update(X, Y[300:]).stream_).all(axis=None)
