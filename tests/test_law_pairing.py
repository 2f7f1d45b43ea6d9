"""Rows are paired by position and columns too: names and labels that say otherwise are refused, or warned of."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from aligner_rows import FITTED, NEW_X, NEW_Y, X, Y
from everything import TABLE
from space_rows import LABELS, NEW_LABELS, NEW_POINTS, POINTS_X, POINTS_Y, PROTOTYPES

from crossmodal_cca import CCA, CCACV, PLSSVD, CrossModalPipeline, KernelCCACV, PairMoments
from crossmodal_cca.inference import bootstrap_weights, permutation_test
from crossmodal_cca.metrics import (
    compare_retrieval,
    deduplicate,
    make_retrieval_scorer,
    query_report,
    retrieval_ranks,
    retrieval_report,
    shuffled_pair_control,
)
from crossmodal_cca.retrieval import CrossModalIndex, correct_hubness, hubness_report, k_occurrence, search_shards
from crossmodal_cca.transfer import (
    CrossModalClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    SharedSpace,
    few_shot_episodes,
    prediction_intervals,
    prediction_report,
)

# What is paired row by row with rows of features: other rows, labels, weights, nuisance variables.
BY_POSITION = {
    *("X", "y", "X_test", "y_test", "X_train", "y_train", "sample_weight", "nuisance", "shots", "shot_labels"),
    *("queries", "gallery", "x_scores", "y_scores"),
}
IDS = {"query_ids", "gallery_ids", "ids", "descriptions"}


def paired(call):
    """Groups of arguments whose rows are pairs."""
    groups = [[name for name in group if name in BY_POSITION] for group in (call.together, call.also_together)]
    return [group for group in groups if len(group) > 1] if not IDS & call.arguments.keys() else []


def labelled(values, labels):
    return pd.DataFrame(values, index=labels) if np.ndim(values) == 2 else pd.Series(values, index=labels)


PAIRED = {f"{row_id} {call}": (row, call) for row_id, row in TABLE.items() for call in row.all_calls if paired(call)}


@pytest.mark.parametrize("what", PAIRED)
def test_labels_of_rows_in_another_order_are_warned_of(what):
    row, call = PAIRED[what]
    thing = row.ready()
    for one, *others in paired(call):
        labels = pd.Index([f"row {i}" for i in range(len(call.arguments[one]))])
        for other in others:
            first, second = (call.arguments[name] for name in (one, other))
            called = {one: labelled(first, labels), other: labelled(second, labels[::-1])}
            # Of two pairs of sides, which: "x_scores of scores".
            of = r"( of \w+)?"
            said = rf"indexes of {one}{of} and {other}{of} hold .*\.loc\[{one}{of}\.index\]"
            with pytest.warns(UserWarning, match=said) as seen:
                call.on(thing, **called)
            assert {Path(warning.filename).parent for warning in seen} == {Path(__file__).parent}
            # Warnings are errors: none of these says a word. The slow calls take turns at them.
            silent = (labels, labels[::-1] + " of another table", labels[:1].repeat(len(labels)))
            call.on(thing, **called | {other: labelled(second, silent[list(PAIRED).index(what) % 3])})


def test_sorting_as_the_warning_says_is_what_is_wanted():
    frame_x, frame_y = pd.DataFrame(X).add_prefix("x"), pd.DataFrame(Y).add_prefix("y").sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match=r"pass y\.loc\[X\.index\] as y"):
        CCA(2).fit(frame_x, frame_y)
    paired_anew = CCA(2).fit(frame_x, frame_y.loc[frame_x.index])
    np.testing.assert_allclose(paired_anew.coef_, CCA(2).fit(X, Y).coef_, rtol=0, atol=1e-12)


SHUFFLED = pd.DataFrame(Y)[::-1].add_prefix("y")
MORE_PAIRS = {
    "score": lambda x, y: CCA(2).fit(x, Y).score(x, y),
    "a pipeline with transformers": lambda x, y: CrossModalPipeline(CCA(2), x_transformer=Centred()).fit(x, y),
    "a scorer": lambda x, y: make_retrieval_scorer("hit_rate_at_5")(CCA(2).fit(x, Y), x, y),
    "moments in blocks": lambda x, y: PairMoments.from_blocks([(x, y)]),
    "a comparison": lambda x, y: compare_retrieval((x.iloc[:, :2], y.iloc[:, :2]), (X, X), n_resamples=0),
}


class Centred(SharedSpace):
    """A transformer whose rows have no labels."""

    def fit_transform(self, X, y=None):
        return np.asarray(X)


@pytest.mark.parametrize("call", MORE_PAIRS.values(), ids=MORE_PAIRS)
def test_they_are_warned_of_where_scores_have_lost_them(call):
    with pytest.warns(UserWarning, match="hold the same labels in different orders"):
        call(pd.DataFrame(X).add_prefix("x"), SHUFFLED)


def sides(ids):
    return {"query_ids": ids["x_ids"], "gallery_ids": ids["y_ids"]} if "x_ids" in ids else ids


RELATED = {
    "ranks": lambda x, y, ids: retrieval_ranks(x, y, **sides(ids)),
    "queries": lambda x, y, ids: query_report(x, y, **sides(ids)),
    "a report": lambda x, y, ids: retrieval_report(x, y, n_resamples=0, **ids),
    "a comparison": lambda x, y, ids: compare_retrieval((x, y), (x, y), n_resamples=0, **ids),
    "a control": lambda x, y, ids: shuffled_pair_control(PLSSVD(2), X, X, x, y, n_shuffles=1, random_state=0, **ids),
    "a scorer": lambda x, y, ids: make_retrieval_scorer("hit_rate_at_5")(PLSSVD(2).fit(X, X), x, y, **ids),
}


@pytest.mark.parametrize("call", RELATED)
def test_nothing_is_said_of_rows_that_ids_or_a_table_relate(call):
    x = pd.DataFrame(X)
    labels = x.index.to_numpy()
    ids = {"x_ids": labels, "y_ids": labels[::-1]}
    by_ids = RELATED[call](x, x[::-1], ids)
    if call != "a scorer":
        by_table = RELATED[call](x, x[::-1], {"relevance": labels[:, None] == labels[::-1]})
        np.testing.assert_array_equal(by_ids, by_table)
    with pytest.warns(UserWarning, match="hold the same labels in different orders"):
        RELATED[call](x, x[::-1], {})


def named(values, names="abc"):
    return pd.DataFrame(values, columns=list(names)[: values.shape[1]])


def turned(frame):
    return frame[frame.columns[::-1]]


X_3, Y_3, NEW_3 = named(POINTS_X), named(POINTS_Y), named(NEW_POINTS)
ALIGNED_X, ALIGNED_Y = (named(rows, "vwxyz") for rows in (NEW_X, NEW_Y))
DESCRIPTIONS = pd.DataFrame(PROTOTYPES, index=list("abc")).T
# Calls of one side whose columns are known, and the side in the right order.
ORDERED = {
    "metrics": (lambda rows: retrieval_ranks(rows, Y_3), X_3),
    "a report": (lambda rows: retrieval_report(X_3, rows, n_resamples=0), Y_3),
    "occurrences": (lambda rows: k_occurrence(rows, Y_3, k=2), X_3),
    "a bank": (lambda rows: correct_hubness(X_3, Y_3, rows, n_neighbors=2), NEW_3),
    "shards": (lambda rows: search_shards(rows, Y_3, 2), X_3),
    "queries of an index": (lambda rows: CrossModalIndex().fit(Y_3).kneighbors(rows, 2), X_3),
    "queries shown": (lambda rows: CrossModalIndex().fit(Y_3).show(rows, 2), X_3),
    "more of a gallery": (lambda rows: CrossModalIndex().fit(Y_3).add(rows), NEW_3),
    "a bank of an index": (
        lambda rows: CrossModalIndex(hubness="csls", hubness_neighbors=2).fit(Y_3, query_bank=rows),
        X_3,
    ),
    "more of a gallery of an aligner without names": (
        lambda rows: CrossModalIndex(FITTED).fit(named(Y, "vwxyz")).add(rows),
        ALIGNED_Y,
    ),
    "queries beside the bank of an aligner without names": (
        lambda rows: (
            CrossModalIndex(FITTED, hubness="csls", hubness_neighbors=2)
            .fit(Y, query_bank=named(X, "vwxyz"))
            .kneighbors(rows, 2)
        ),
        ALIGNED_X,
    ),
    "a classifier": (lambda rows: CrossModalClassifier().fit(X_3, LABELS).predict(rows), NEW_3),
    "shots": (lambda rows: CrossModalClassifier().fit(X_3, LABELS, shots=rows, shot_labels=NEW_LABELS), NEW_3),
    "rows beside shots of an aligner without names": (
        lambda rows: (
            CrossModalClassifier(FITTED).fit(Y, LABELS, shots=ALIGNED_X, shot_labels=NEW_LABELS).predict_proba(rows)
        ),
        ALIGNED_X,
    ),
    "a shared space": (lambda rows: SharedSpace().fit(X_3).transform(rows), NEW_3),
    "prototypes of a discriminant": (lambda rows: GaussianDiscriminant(prototypes=rows).fit(X_3, LABELS), DESCRIPTIONS),
    "prototypes of logistic regression": (
        lambda rows: PrototypeLogisticRegression(prototypes=rows).fit(X_3, LABELS),
        DESCRIPTIONS,
    ),
}


# scikit-learn's word about an aligner that was fitted without names.
without_names = pytest.mark.filterwarnings("ignore:X has feature names, but")


@without_names
@pytest.mark.parametrize("what", ORDERED)
def test_columns_of_the_same_names_in_another_order_are_refused(what):
    call, rows = ORDERED[what]
    call(rows)
    with pytest.raises(ValueError, match=r"in different orders|in the same order as they were in fit"):
        call(turned(rows))


@without_names
@pytest.mark.parametrize("what", [what for what in ORDERED if what != "a shared space"])
def test_columns_of_other_names_or_none_are_not_compared(what):
    call, rows = ORDERED[what]
    call(rows.add_prefix("other "))
    call(rows.set_axis(range(rows.shape[1]), axis=1))


def test_names_that_are_partly_numbers_are_none_where_none_are_needed():
    mixed = X_3.rename(columns={"a": 0})
    np.testing.assert_array_equal(retrieval_ranks(mixed, turned(Y_3)), retrieval_ranks(X_3, turned(Y_3).to_numpy()))
    with pytest.raises(TypeError, match=r"converting.*y\.columns|y\.columns = y\.columns\.astype"):
        CCA(1).fit(POINTS_X, mixed)


def test_a_refused_order_changes_no_index():
    index = CrossModalIndex().fit(Y_3)
    before = index.kneighbors(X_3, 3)
    with pytest.raises(ValueError, match="rows and the rows that CrossModalIndex was fitted to"):
        index.add(turned(NEW_3))
    np.testing.assert_array_equal(index.kneighbors(X_3, 3), before)


def test_an_index_from_a_file_knows_its_columns(tmp_path):
    CrossModalIndex().fit(Y_3).save(tmp_path / "index")
    loaded = CrossModalIndex.load(tmp_path / "index")
    with pytest.raises(ValueError, match="in different orders"):
        loaded.kneighbors(turned(X_3), 2)


def test_an_aligner_set_after_the_fit_is_not_asked():
    index = CrossModalIndex().fit(Y_3)
    index.aligner = FITTED
    with pytest.raises(ValueError, match="in different orders"):
        index.kneighbors(turned(X_3), 2)


ROWS = pd.DataFrame(X[:, :3], index=[f"row {i}" for i in range(len(X))])
OTHERS = ROWS + 0.5 * Y[:, :3]
TURNED = ROWS.index[::-1]
SIXES = pd.Series(np.arange(len(X)) // 6, index=TURNED)
NUMBERS = pd.Series(np.arange(len(X)), index=TURNED)
A_TABLE = pd.DataFrame(np.eye(len(X), dtype=bool), index=TURNED)
LAST_OUT = pd.DataFrame(np.arange(len(X)) == np.full((len(X), 1), len(X) - 1), index=TURNED)
IN_STEP = {"gallery_ids": np.arange(len(X))}
CCA_OF_ROWS = CCA(2, shrinkage=0.1).fit(ROWS, OTHERS)
SIX_LABELS = np.arange(len(X)) % 2
BESIDE_ROWS = {
    "groups of a test": ("groups", SIXES, lambda g: permutation_test(ROWS, OTHERS, 1, groups=g)),
    "blocks": ("blocks", SIXES, lambda g: permutation_test(ROWS, OTHERS, 1, blocks=g)),
    "groups of a bootstrap": ("groups", SIXES, lambda g: bootstrap_weights(CCA_OF_ROWS, ROWS, OTHERS, 2, groups=g)),
    "groups of folds": ("groups", SIXES, lambda g: CCACV(2, cv=2).fit(ROWS, OTHERS, groups=g)),
    "groups of kernel folds": ("groups", SIXES, lambda g: KernelCCACV(2, cv=2).fit(ROWS, OTHERS, groups=g)),
    "ids of folds": ("x_ids", SIXES, lambda g: CCACV(2, cv=2).fit(ROWS, OTHERS, x_ids=g, y_ids=SIXES.to_numpy())),
    "groups of episodes": (
        "groups",
        NUMBERS,
        lambda g: few_shot_episodes({"a": PrototypeClassifier()}, ROWS, SIX_LABELS, shots=(1,), n_episodes=2, groups=g),
    ),
    "groups of predictions": (
        "groups",
        SIXES,
        lambda g: prediction_report(CCA_OF_ROWS, ROWS, OTHERS, X_train=ROWS, y_train=OTHERS, n_resamples=2, groups=g),
    ),
    "groups of intervals": (
        "groups",
        SIXES,
        lambda g: prediction_intervals(CCA(2), ROWS, method="conformal", calibration=(ROWS, OTHERS), cv=2, groups=g),
    ),
    "weights of a score": (
        "sample_weight",
        NUMBERS,
        lambda w: PrototypeClassifier().fit(ROWS, SIX_LABELS).score(ROWS, SIX_LABELS, sample_weight=w),
    ),
    "copies": ("ids", NUMBERS, lambda ids: deduplicate(ROWS, ids)),
    "ids of a gallery": ("ids", NUMBERS, lambda ids: CrossModalIndex().fit(ROWS, ids=ids)),
    "ids of more items": (
        "ids",
        NUMBERS,
        lambda ids: CrossModalIndex().fit(ROWS, ids=np.arange(len(X))).add(ROWS, ids=ids),
    ),
    "ids of queries": ("query_ids", NUMBERS, lambda ids: CrossModalIndex().fit(ROWS).show(ROWS, 1, query_ids=ids)),
    "captions of queries": (
        "query_captions",
        NUMBERS.astype(str),
        lambda captions: CrossModalIndex().fit(ROWS).show(ROWS, 1, query_captions=captions),
    ),
    "ids of ranks": ("query_ids", NUMBERS, lambda ids: retrieval_ranks(ROWS, OTHERS, query_ids=ids, **IN_STEP)),
    "ids of a report": (
        "y_ids",
        NUMBERS,
        lambda ids: retrieval_report(ROWS, OTHERS, x_ids=np.arange(len(X)), y_ids=ids, n_resamples=0),
    ),
    "groups of a report": ("x_groups", SIXES, lambda g: retrieval_report(ROWS, OTHERS, x_groups=g, n_resamples=0)),
    "relevance": ("relevance", A_TABLE, lambda table: retrieval_ranks(ROWS, OTHERS, relevance=table)),
    "relevance of a report": (
        "relevance",
        A_TABLE,
        lambda table: retrieval_report(ROWS, OTHERS, relevance=table, n_resamples=0),
    ),
    "what is left out": (
        "exclude",
        LAST_OUT,
        lambda table: retrieval_ranks(ROWS, OTHERS, relevance=np.ones((len(X), len(X))), exclude=table),
    ),
    "groups of a comparison": (
        "y_groups",
        SIXES,
        lambda g: compare_retrieval((ROWS, OTHERS), (X, X), y_groups=g, n_resamples=2),
    ),
    "groups of hubs": ("groups", SIXES, lambda g: hubness_report(ROWS, OTHERS, ROWS, groups=g, n_resamples=2)),
}


@pytest.mark.parametrize("case", BESIDE_ROWS)
def test_what_stands_beside_rows_is_warned_of_too(case):
    name, given, call = BESIDE_ROWS[case]
    with pytest.warns(UserWarning, match=f"and {name} hold the same labels in different orders") as seen:
        call(given)
    told = [str(warning.message) for warning in seen if "different orders" in str(warning.message)]
    assert len(told) == 1
    assert {Path(warning.filename).parent for warning in seen} == {Path(__file__).parent}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call(given.to_numpy())
    assert not [warning for warning in seen if "different orders" in str(warning.message)]
