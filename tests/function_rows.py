"""Rows of the table of everything public: the functions, the displays, and the moments."""

import atexit
import inspect
import tempfile
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from aligner_rows import FEW, FITTED, NEW_X, NEW_Y, OTHER, SEARCHES, X, Y
from linear_models import pairs
from rows import Call, Row
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from space_rows import ASKED, IDS, INSTRUMENTS, ITS_NAMES, LABELS, NEW_POINTS, NO_NAMES, OF_ASKED, POINTS_X, POINTS_Y

from crossmodal_cca import (
    CCA,
    CCACV,
    PairMoments,
    PLSRegression,
    datasets,
    diagnosis,
    inference,
    io,
    load,
    metrics,
    plotting,
    report,
    retrieval,
    transfer,
)
from crossmodal_cca.metrics import measures
from crossmodal_cca.transfer import CrossModalClassifier, PrototypeClassifier

mpl.use("agg")
FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)
SAVED = Path(FOLDER.name) / "model"
FITTED.save(SAVED)
FEATURES, FILE_OF_IDS = Path(FOLDER.name) / "features.npy", Path(FOLDER.name) / "ids.npy"
np.save(FEATURES, X)
PAIRS = {"X": X, "y": Y}
MANY_PAIRS = dict(zip("Xy", pairs(200, 5, 4), strict=True))
NEW_PAIRS = {"X": NEW_X, "y": NEW_Y}
TRAINING = {"X_train": X, "y_train": Y}
BOTH = ("X", "y")
PAIR = {"together": BOTH, "settled": BOTH}
SIDES = {"queries": POINTS_X, "gallery": POINTS_Y}
SCORES = {"x_scores": POINTS_X, "y_scores": POINTS_Y}
WITH_TRAINING = {"together": BOTH, "also_together": tuple(TRAINING), "settled": (*BOTH, *TRAINING)}
SEEDED = {"random_state": 3}


# Groups of two rows in two blocks.
PERMUTED = {"groups": np.arange(len(X)) // 2, "blocks": np.arange(len(X)) // (len(X) // 2)}


def _function(thing: Any, arguments: dict[str, Any] | None = None, *, bound: Any = None, **more: Any) -> Row:
    """A row of a function; `bound` is the function with its positional arguments."""
    row = {name: more.pop(name) for name in ("exempt", "fails", "warned") if name in more}
    return Row(thing, (Call("", arguments or {}, **more),), bound=bound, **row)


def _measure(function: Any, order: str = "same", bound: Any = None, **options: Any) -> Row:
    """A measure of retrieval: rows are pairs, or ids say what is relevant."""
    unknown = np.where(np.arange(len(IDS)) < 3, "nobody's", IDS)
    strange = (
        Call("", SIDES | {"query_ids": unknown, "gallery_ids": IDS} | options, "unknown ids"),
        Call("", SIDES | {"queries": np.vstack((np.zeros_like(POINTS_X[:1]), POINTS_X[1:]))} | options, "a zero row"),
    )
    ids = {"query_ids": LABELS, "gallery_ids": LABELS}
    calls = (
        Call("", SIDES | options, "pairs", together=tuple(SIDES), order=order),
        Call("", SIDES | ids | options, "ids", together=(*SIDES, *ids), order=order),
        Call("", SIDES | ids | {"exclude": "self"} | options, "others", together=(*SIDES, *ids), order=order),
    )
    return Row(function, calls, bound=bound, warned=strange)


def _compared(x_scores: Any, y_scores: Any, **more: Any) -> Any:
    return metrics.compare_retrieval((x_scores, y_scores), (POINTS_X[:, :2], POINTS_Y[:, :2]), **more)


def _compared_aligners(X: Any, y: Any, **more: Any) -> Any:
    aligners = {"PLS": None, "CCA": CCA(2), "KernelCCA": None}
    table = metrics.compare_aligners(X, y, aligners, cv=2, n_resamples=9, **more)
    return table.drop(columns=["seconds_to_choose", "seconds_to_fit"])


FEW_LEFT = {"method": "conformal", "calibration": (X[:5], Y[:5])}


def _conformal(aligner: Any, rows: Any, X: Any, y: Any, **more: Any) -> Any:
    return transfer.prediction_intervals(aligner, rows, method="conformal", calibration=(X, y), **more)


MEASURES = {
    name: _measure(getattr(metrics, name), **{"k": 3} if measure.options.get("k") else {})
    for name, measure in measures.MEASURES.items()
}
METRICS = MEASURES | {
    "compare_aligners": _function(
        metrics.compare_aligners,
        PAIRS | dict.fromkeys(("groups", "x_ids", "y_ids"), PERMUTED["groups"]) | SEEDED,
        bound=_compared_aligners,
        together=(*BOTH, "groups", "x_ids", "y_ids"),
    ),
    "retrieval_ranks": _measure(metrics.retrieval_ranks, "rows"),
    "per_query": _measure(metrics.per_query, "rows", bound=partial(metrics.per_query, "recall_at_k"), k=3),
    "query_report": _measure(metrics.query_report, "", baseline=(POINTS_X[:, :2], POINTS_Y[:, :2])),
    "retrieval_report": _function(
        metrics.retrieval_report,
        SCORES | {"x_groups": LABELS, "n_resamples": 20} | SEEDED,
        together=(*SCORES, "x_groups"),
    ),
    "compare_retrieval": _function(
        metrics.compare_retrieval, SCORES | {"n_resamples": 20} | SEEDED, bound=_compared, together=tuple(SCORES)
    ),
    "deduplicate": _function(
        metrics.deduplicate, {"scores": POINTS_X[[0, 1, 0, 2]], "ids": IDS[[0, 1, 0, 2]]}, together=("scores", "ids")
    ),
    "make_retrieval_scorer": Row(metrics.make_retrieval_scorer, (Call("", {"measure": "hit_rate_at_5"}),)),
    "scorer": _function(
        metrics.make_retrieval_scorer,
        {"estimator": FITTED} | NEW_PAIRS,
        bound=metrics.make_retrieval_scorer("hit_rate_at_5"),
        **PAIR,
        order="same",
    ),
    "shuffled_pair_control": _function(
        metrics.shuffled_pair_control,
        {"aligner": FITTED, **PAIRS, "X_test": NEW_X, "y_test": NEW_Y, "n_shuffles": 2} | SEEDED,
        together=BOTH,
        also_together=("X_test", "y_test"),
        settled=("X_test", "y_test"),
    ),
}
BANK = SIDES | {"query_bank": NEW_POINTS}
RETRIEVAL = {
    "k_occurrence": _function(retrieval.k_occurrence, SIDES | {"k": 3}, together=("gallery",), order="rows"),
    "correct_hubness": _function(
        retrieval.correct_hubness, BANK | {"n_neighbors": 5}, settled=("query_bank",), exempt={"names": NO_NAMES}
    ),
    "hubness_report": _function(
        retrieval.hubness_report,
        BANK | {"neighbors": (1, 5), "weights": (0.5,), "n_resamples": 20} | SEEDED,
        together=tuple(SIDES),
        settled=("query_bank",),
        exempt={"names": NO_NAMES},
    ),
    "search_shards": _function(
        retrieval.search_shards, SIDES | {"n_neighbors": 3, "ids": IDS}, together=("gallery", "ids"), order="same"
    ),
}
EPISODES, EPISODES_OF_ROWS = (
    transfer.few_shot_episodes(
        {"one": PrototypeClassifier(), "other": PrototypeClassifier(temperature=1.0)},
        *(POINTS_X, LABELS),
        shots=(1, 2),
        n_episodes=3,
        per=per,
        random_state=0,
    )
    for per in ("class", "row")
)
TRANSFER = {
    "few_shot_episodes": _function(
        transfer.few_shot_episodes,
        {"models": {"one": PrototypeClassifier()}, "X": POINTS_X, "y": LABELS, "shots": (1, 2), "n_episodes": 2}
        | SEEDED,
        together=BOTH,
    ),
    "few_shot_episodes-descriptions": _function(
        transfer.few_shot_episodes,
        {
            "models": {"one": CrossModalClassifier()},
            "X": POINTS_X,
            "y": LABELS,
            "shots": (0, 1),
            "n_episodes": 2,
            "descriptions": POINTS_Y,
            "description_labels": LABELS,
        }
        | SEEDED,
        together=("descriptions", "description_labels"),
        settled=("descriptions",),
        exempt={"names": NO_NAMES},
    ),
    "few_shot_episodes-rows": _function(
        transfer.few_shot_episodes,
        {"models": {"one": PrototypeClassifier()}, "X": POINTS_X, "y": LABELS, "shots": (1,), "n_episodes": 2}
        | {"groups": IDS, "cv": StratifiedGroupKFold(2), "per": "row"}
        | SEEDED,
        together=(*BOTH, "groups"),
    ),
    "few_shot_report": _function(transfer.few_shot_report, {"episodes": EPISODES}),
    "transfer_gain": _function(transfer.transfer_gain, {"episodes": EPISODES, "model": "one", "baseline": "other"}),
    "transfer_gain-rows": _function(
        transfer.transfer_gain, {"episodes": EPISODES_OF_ROWS, "model": "one", "baseline": "other", "over": "rows"}
    ),
    "prediction_intervals": _function(
        transfer.prediction_intervals,
        {"aligner": CCA(3).fit(**MANY_PAIRS), "rows": NEW_X},
        together=("rows",),
        settled=("rows",),
        order="rows",
        warned=(
            Call("", {"aligner": FITTED, "rows": NEW_X}, "few rows"),
            Call("", {"aligner": FITTED, "rows": NEW_X} | FEW_LEFT, "few calibration rows"),
        ),
    ),
    "prediction_intervals-conformal": _function(
        transfer.prediction_intervals,
        {"aligner": FITTED, "rows": X} | NEW_PAIRS,
        bound=_conformal,
        together=BOTH,
        settled=("rows", *BOTH),
        order="same",
    ),
    "prediction_intervals-folds": _function(
        transfer.prediction_intervals,
        {"aligner": FITTED, "rows": X} | NEW_PAIRS | {"cv": 3},
        bound=_conformal,
        together=BOTH,
        settled=("rows",),
        exempt={"names": "models are fitted here, to names of their own"},
    ),
    "prediction_report": _function(
        transfer.prediction_report,
        {"aligner": FITTED} | NEW_PAIRS | TRAINING | {"n_resamples": 20} | SEEDED,
        **WITH_TRAINING,
    ),
}
OF_ALIGNER = {"aligner": FITTED} | NEW_PAIRS
# A summary looks at the training rows where there is a theory of p-values: without shrinkage.
OF_PLAIN = {"aligner": CCA(3).fit(X, Y)} | NEW_PAIRS | TRAINING
# Groups of two rows, and classes of three of four rows.
REGIME = PAIRS | {"labels": np.arange(len(X)) // 2 % 4 - 1, "groups": PERMUTED["groups"], "n_permutations": 99} | SEEDED
INFERENCE = {
    "alignment_regime": _function(
        inference.alignment_regime,
        REGIME,
        together=(*BOTH, "labels", "groups"),
        one_column=("y",),
        warned=(Call("", REGIME | {"groups": np.arange(len(X)) % 2}, "few"),),
    ),
    "alignment_test": Row(
        inference.alignment_test,
        tuple(
            Call(
                "",
                PAIRS | {"n_permutations": 19, "measure": measure, "groups": PERMUTED["groups"]} | SEEDED,
                measure,
                together=(*BOTH, "groups"),
                one_column=("y",),
            )
            for measure in ("mutual_knn", "cka", "cca")
        ),
        warned=(
            Call("", PAIRS | {"n_permutations": 19, "groups": np.arange(len(X)) // (len(X) // 2)}, "few"),
            Call("", PAIRS | {"X": np.vstack((np.zeros_like(X[:1]), X[1:])), "n_permutations": 19}, "a zero row"),
        ),
    ),
    "bootstrap_weights": _function(
        inference.bootstrap_weights, {"aligner": FITTED} | PAIRS | {"n_resamples": 20} | SEEDED, together=BOTH
    ),
    "canonical_correlation_tests": Row(
        inference.canonical_correlation_tests,
        (Call("", MANY_PAIRS, together=BOTH, one_column=BOTH, order="same"),),
        warned=(Call("", FEW, "few"), Call("", PAIRS, "not many")),
    ),
    "debias_correlations": _function(
        inference.debias_correlations,
        {"correlations": FITTED.correlations_, "n_samples": 40, "n_features_x": 5, "n_features_y": 4},
    ),
    "explained_variance": _function(inference.explained_variance, OF_ALIGNER, **PAIR, order="same"),
    "noise_edge": _function(inference.noise_edge, {"n_samples": 100, "n_features_x": 5, "n_features_y": 4}),
    "permutation_test": Row(
        inference.permutation_test,
        (
            Call(
                "",
                PAIRS | {"n_permutations": 9, "nuisance": NEW_X[:, :1].repeat(2, 0)[:40]} | SEEDED,
                together=(*BOTH, "nuisance"),
                one_column=("y", "nuisance"),
                optional=("nuisance",),
            ),
            Call(
                "",
                PAIRS | {"n_permutations": 9, "aligner": CCA(2, shrinkage=0.5)} | PERMUTED | SEEDED,
                "aligner",
                together=(*BOTH, *PERMUTED),
                one_column=("y",),
            ),
        ),
        warned=(Call("", PAIRS | {"n_permutations": 9, "groups": np.arange(len(X)) // (len(X) // 2)}, "few"),),
    ),
    "required_samples": _function(inference.required_samples, {"correlation": 0.3, "n_features": 10}),
    "structure_correlations": _function(inference.structure_correlations, OF_ALIGNER, **PAIR, order="same"),
    "summary": _function(
        inference.summary,
        OF_PLAIN | {"n_permutations": 9} | SEEDED,
        **WITH_TRAINING,
    ),
    "vip_scores": _function(inference.vip_scores, {"pls": PLSRegression(2).fit(X, Y)}),
}
FEW_SWAPS = {"max_slices": 2, "n_permutations": 39} | SEEDED
CHECK = diagnosis.PairCheck(CCA(2, shrinkage=0.3), cv=3)
DIAGNOSIS = {
    # Its rows are not said to stand together, which would oblige it to warn: that they do not is a finding.
    "data_report": _function(
        diagnosis.data_report, PAIRS, exempt={"refused": "what other calls refuse is what it reports"}
    ),
    "near_duplicate_groups": _function(
        diagnosis.near_duplicate_groups, PAIRS | {"threshold": 0.8}, together=BOTH, optional=("y",)
    ),
    "harm_report": _function(
        diagnosis.harm_report,
        {"before": POINTS_X[:, 0], "after": POINTS_Y[:, 0], "by": LABELS},
        together=("before", "after", "by"),
        order="same",
    ),
    "find_slices": _function(
        diagnosis.find_slices,
        {"embeddings": POINTS_X, "outcome": POINTS_Y[:, 0], "names": IDS} | FEW_SWAPS,
        together=("embeddings", "outcome", "names"),
    ),
    "find_slices-groups": _function(
        diagnosis.find_slices,
        {"embeddings": X, "outcome": Y[:, 0], "descriptions": NEW_X, "groups": np.arange(len(X))} | FEW_SWAPS,
        together=("embeddings", "outcome", "groups"),
        settled=("descriptions",),
        optional=("descriptions",),
        exempt={"names": NO_NAMES},
    ),
    "modality_gap": _function(
        diagnosis.modality_gap,
        SCORES | {"groups": IDS, "n_permutations": 59} | SEEDED,
        together=(*SCORES, "groups"),
    ),
    "PairCheck": Row(
        diagnosis.PairCheck,
        (Call("score_samples", NEW_PAIRS, **PAIR, order="rows"),),
        CHECK,
        Call("fit", PAIRS | {"groups": IDS, "x_ids": IDS}, together=(*BOTH, "groups", "x_ids"), one_column=("y",)),
        before={"aligner": CCA(1, shrinkage=0.1), "cv": 2},
        before_fit=OTHER,
        exempt={"order": SEARCHES, "names": "those of its aligner, which compares them"},
    ),
}
MANY_X, MANY_Y = MANY_PAIRS["X"], MANY_PAIRS["y"]
REFERENCE = {"X_ref": MANY_X[:120], "y_ref": MANY_Y[:120]}
BATCH = {"X": MANY_X[120:150], "y": MANY_Y[120:150]}
MONITOR = diagnosis.DriftMonitor(n_permutations=259, random_state=1)
OF_BATCH = {"together": BOTH, "settled": BOTH, "optional": BOTH}
DRAWN_ROWS = "parts of the reference are drawn by the places of rows"


def _monitor(estimator: Any, groups: Any, fit: dict[str, Any], **kwargs: Any) -> Row:
    grouped = {} if groups is None else {"groups": groups[:30]}
    of_batch = OF_BATCH | {"together": (*BOTH, *grouped)}
    return Row(
        diagnosis.DriftMonitor,
        (
            Call("test", BATCH | grouped, **of_batch),
            Call("unusual_rows", BATCH, **OF_BATCH),
        ),
        estimator,
        Call(
            "fit",
            REFERENCE | fit,
            together=(*REFERENCE, *fit),
            settled=tuple(REFERENCE) if estimator.aligner is FITTED_MANY else (),
            one_column=("y_ref",) if estimator.aligner is not None else (),
            optional=("y_ref",),
        ),
        (Call("update", BATCH | grouped, **of_batch),),
        **kwargs,
    )


FITTED_MANY = CCA(3, shrinkage=0.3).fit(MANY_X[150:], MANY_Y[150:])
IN_PAIRS = np.arange(120) // 2
DIAGNOSIS |= {
    "DriftMonitor": _monitor(
        clone(MONITOR).set_params(aligner=FITTED_MANY),
        None,
        {},
        before={"random_state": 2},
        before_fit={"X_ref": MANY_X[:90], "y_ref": MANY_Y[:90]},
        exempt={"order": DRAWN_ROWS} | ITS_NAMES,
    ),
    "DriftMonitor-unfitted": _monitor(
        clone(MONITOR).set_params(aligner=CCA(2)),
        IN_PAIRS,
        {"groups": IN_PAIRS},
        before={"min_effect": 0.1},
        before_fit={"X_ref": MANY_X, "y_ref": MANY_Y[:, :3]},
        exempt={"order": DRAWN_ROWS},
    ),
}
DATASETS = {
    "load_emoji": _function(datasets.load_emoji, {"subset": "test", "return_X_y": True}),
    "make_paired_latent": _function(
        datasets.make_paired_latent, {"n_samples": 9, "n_features_x": 5, "n_features_y": 4} | SEEDED
    ),
}


def _display(name: str, *, exempt: dict[str, str] | None = None, **sources: Call) -> Row:
    """A row of a display, whose own arguments are what it is made of by the first of its sources."""
    display = getattr(plotting, name)
    calls = tuple(replace(call, name=source) for source, call in sources.items())

    @cache
    def init() -> dict[str, Any]:
        drawn = calls[0].on(display)
        return {key: value for key, value in vars(drawn).items() if key in inspect.signature(display).parameters}

    return Row(display, calls, changes=(Call("plot"),), init=init, exempt=exempt or {})


OF_PAIRS = Call("", OF_ALIGNER, **PAIR)
OF_SCORES = Call("", SCORES, together=tuple(SCORES))
GAP = diagnosis.modality_gap(**SCORES, **SEEDED)
SEARCH = CCACV(2, shrinkages=(0.0, 0.5), cv=3).fit(X, Y)
COMPONENTS = {"n_permutations": 9} | SEEDED
RESAMPLED = {"n_resamples": 9, "max_k": 9} | SEEDED
COMPARED = metrics.compare_aligners(**PAIRS, aligners={"PLS": None, "CCA": CCA(2), "KernelCCA": None}, cv=2, **SEEDED)
AGREEMENT = inference.alignment_test({"first": X, "second": X[:, ::-1]}, {"y": Y}, n_permutations=19, **SEEDED)
PLOTTING = {
    name: _display(name, from_predictions=OF_SCORES, from_estimator=OF_PAIRS)
    for name in (
        "CanonicalCorrelationDisplay",
        "PrecisionRecallDisplay",
        "RankHistogramDisplay",
        "SharedSpaceDisplay",
    )
} | {
    "AlignmentRegimeDisplay": _display(
        "AlignmentRegimeDisplay",
        from_table=Call("", {"components": inference.alignment_regime(**REGIME).components}),
    ),
    "AlignmentTestDisplay": _display("AlignmentTestDisplay", from_table=Call("", {"table": AGREEMENT})),
    "AlignerComparisonDisplay": _display("AlignerComparisonDisplay", from_table=Call("", {"comparison": COMPARED})),
    "SimilarityMatrixDisplay": _display(
        "SimilarityMatrixDisplay",
        from_predictions=Call("", SCORES),
        from_estimator=Call("", OF_ALIGNER, settled=BOTH),
    ),
    "HubnessDisplay": _display(
        "HubnessDisplay",
        from_predictions=Call("", SCORES | {"k": 3}),
        from_estimator=Call("", OF_ALIGNER | {"k": 3}, settled=BOTH),
    ),
    "HitRateDisplay": _display(
        "HitRateDisplay",
        from_predictions=Call("", SCORES | RESAMPLED, together=tuple(SCORES)),
        from_estimator=Call("", OF_ALIGNER | RESAMPLED, **PAIR),
    ),
    "ComponentSummaryDisplay": _display(
        "ComponentSummaryDisplay",
        from_estimator=Call("", OF_PLAIN | COMPONENTS, **WITH_TRAINING),
        from_table=Call("", {"table": inference.summary(**OF_PLAIN, **COMPONENTS)}),
    ),
    "CorrelationCircleDisplay": _display(
        "CorrelationCircleDisplay",
        from_estimator=OF_PAIRS,
        from_table=Call("", {"table": inference.structure_correlations(**OF_ALIGNER)}),
    ),
    "CrossValidationDisplay": _display(
        "CrossValidationDisplay",
        from_cv_results=Call("", {"search": SEARCH}),
    ),
    "ModalityGapDisplay": _display("ModalityGapDisplay", from_table=Call("", {"gap": GAP})),
    "PairCheckDisplay": _display("PairCheckDisplay", from_table=Call("", {"table": clone(CHECK).fit(**PAIRS).table_})),
    "DriftDisplay": _display(
        "DriftDisplay",
        from_table=Call("", {"stream": DIAGNOSIS["DriftMonitor"].made().update(**BATCH).stream_}),
    ),
    "RiskCoverageDisplay": _display(
        "RiskCoverageDisplay",
        exempt={"names": NO_NAMES},
        from_predictions=Call("", {"confidence": np.linspace(0, 1, len(IDS)), "right": np.arange(len(IDS)) % 3 > 0}),
        from_estimator=Call("", {"search": INSTRUMENTS["confidence"].made()} | ASKED, **OF_ASKED),
    ),
    "SetSizeDisplay": _display(
        "SetSizeDisplay",
        exempt={"names": NO_NAMES},
        from_estimator=Call("", {"sets": INSTRUMENTS["sets"].made()} | ASKED, **OF_ASKED),
        from_table=Call("", {"report": INSTRUMENTS["sets"].made().report(**ASKED)}),
    ),
    "FewShotDisplay": _display("FewShotDisplay", from_table=Call("", {"episodes": EPISODES})),
    "TransferGainDisplay": _display(
        "TransferGainDisplay",
        from_table=Call("", {"gain": transfer.transfer_gain(EPISODES, "one", "other"), "shots": 1}),
    ),
}
np.save(FILE_OF_IDS, np.asarray(IDS))
FILES = {
    "read_features": _function(io.read_features, {"path": FEATURES}),
    "read_ids": _function(io.read_ids, {"path": FILE_OF_IDS}),
    "pair_by_id": _function(io.pair_by_id, {"x_ids": IDS, "y_ids": IDS[::-1]}),
}
MOMENTS = {
    "load": _function(load, {"path": SAVED}),
    "report": _function(
        report,
        PAIRS | {"aligner": CCA(2, shrinkage=0.5), "n_shuffles": 1} | SEEDED,
        together=BOTH,
        one_column=("y",),
    ),
    "PairMoments": Row(
        PairMoments,
        (
            Call("from_arrays", PAIRS, together=BOTH, one_column=("y",), order="same"),
            Call("from_blocks", {"blocks": [(X[:9], Y[:9]), (X[9:], Y[9:])]}),
            Call("__add__", {"other": PairMoments.from_arrays(NEW_X, NEW_Y)}),
            Call("__sub__", {"other": PairMoments.from_arrays(X[:9], Y[:9])}),
        ),
        init=lambda: vars(PairMoments.from_arrays(X, Y)),
    ),
}
FUNCTIONS = METRICS | RETRIEVAL | TRANSFER | INFERENCE | DIAGNOSIS | DATASETS | PLOTTING | FILES | MOMENTS
