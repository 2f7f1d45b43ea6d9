"""A page about two tables: what it says, that it says it safely, and that it needs nothing else."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.sparse import csr_array
from scipy.stats import norm
from sklearn.decomposition import PCA

import crossmodal_cca
from crossmodal_cca import CCA, CCACV
from crossmodal_cca.cli import main
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.diagnosis import DriftMonitor, PairCheck, harm_report
from crossmodal_cca.diagnosis._wrong_pairs import stand_out
from crossmodal_cca.inference import alignment_regime
from crossmodal_cca.metrics import aligner_comparison, per_query, retrieval_report
from crossmodal_cca.reporting import _page
from crossmodal_cca.reporting._contents import Text, escaped, plain
from crossmodal_cca.reporting._sections import SECTIONS, Section
from crossmodal_cca.reporting._verdict import CAUTIONS, RULES, Grounds, verdict_of

ROOT = Path(__file__).resolve().parents[1]
MODEL = CCA(4, shrinkage=0.3, power=1.0)
STRONG = (0.95, 0.9, 0.9, 0.8)
# Markup of every kind, in whatever a user may name.
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;]]>-->$x$ {{7}} ${title} \x00\x1b \u202e"
FAST = {"aligner": MODEL, "n_shuffles": 2}


def rows(n_pairs, correlations, seed, p=30, q=20):
    return make_paired_latent(n_pairs, p, q, correlations=correlations, random_state=seed)


class Elements(HTMLParser):
    """Elements of a page with their attributes, and the texts inside."""

    def __init__(self, page):
        super().__init__()
        self.found, self.texts, self._open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("style", "script"):
            self.texts.append(data)

    def attributes(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Paths to pictures of 160 rows, one of them missing and one no picture."""
    folder = tmp_path_factory.mktemp("secret folder")
    for i in range(160):
        Image.new("RGBA", (120, 80), (i, 0, 0, 128)).save(folder / f"{i}.png", compress_level=0)
    (folder / "0.png").unlink()
    (folder / "1.png").write_bytes(b"no picture")
    return [str(folder / f"{i}.png") for i in range(160)]


@pytest.fixture(scope="module")
def hostile(pictures):
    """A page of a user whose every text is markup."""
    X, y = rows(160, STRONG, 0, 12, 10)
    evil = np.array([f"{i}{EVIL}" for i in range(160)])
    captions = pd.DataFrame(
        {EVIL: evil, "picture": pictures, "address": [f"https://example.org/{i}?<b>" for i in range(160)]}
    )

    def framed(X, y):
        return pd.DataFrame(X).add_prefix(EVIL), pd.DataFrame(y).add_prefix(EVIL).assign(constant=1.0)

    return crossmodal_cca.report(
        *framed(X, y),
        **FAST,
        reference=framed(*rows(200, STRONG, 1, 12, 10)),
        x_ids=evil,
        y_ids=evil,
        labels=np.array([f"{i % 3}{EVIL}" for i in range(160)]),
        x_captions=captions,
        y_captions=evil,
        names=(f"one {EVIL}", f"other {EVIL}"),
    )


@pytest.fixture(scope="module")
def page(hostile, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    hostile.to_html(path)
    return path


GROUNDS = Grounds(
    measure="hit_rate_at_10",
    n_queries=100,
    quality=0.5,
    low=0.4,
    high=0.6,
    sure_low=0.35,
    chance=0.1,
    shuffled=0.12,
    in_sample=0.55,
    copies=0.0,
    one_sided="",
    noise_edge=np.nan,
    unfound=0.0,
    wrong_share=np.nan,
    worse="",
    n_slices=0,
    agree=True,
    harmful=False,
    changed="",
    n_errors=0,
)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "helps"),
        ({"n_queries": 29}, "cannot tell"),
        ({"copies": 0.06}, "cannot tell"),
        ({"sure_low": 0.11}, "cannot tell"),  # fits to wrong pairs reach .12
        ({"shuffled": 0.08, "sure_low": 0.09}, "cannot tell"),  # and chance .1
        ({"quality": 0.135, "low": 0.13, "high": 0.14, "sure_low": 0.125}, "does not help"),  # sure, but not worth it
        ({"quality": 0.12, "low": 0.09, "high": 0.16, "sure_low": 0.05}, "does not help"),
        ({"quality": 0.12, "low": 0.02, "high": 0.3, "sure_low": 0.0}, "cannot tell"),
    ],
)
def test_a_verdict_is_that_of_the_first_rule_that_applies(changed, verdict):
    assert verdict_of(replace(GROUNDS, **changed)).word == verdict


def test_cautions_are_said_where_they_apply():
    assert verdict_of(GROUNDS).cautions == ()
    cautious = {
        "one_sided": "x to y",
        "in_sample": 1.0,
        "noise_edge": 0.9,
        "copies": 0.01,
        "unfound": 0.6,
        "wrong_share": 0.06,
        "worse": "x to y",
        "n_slices": 1,
        "agree": False,
        "harmful": True,
        "changed": "pairing",
        "n_errors": 1,
    }
    assert len(verdict_of(replace(GROUNDS, **cautious)).cautions) == len(cautious) == len(CAUTIONS)


def test_the_guide_shows_the_rules_as_they_are():
    guide = (ROOT / "docs" / "guide" / "report.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.condition} | {rule.verdict} |" in guide
    for caution in CAUTIONS:
        assert f"- {caution.condition}" in guide


def verdicts(n_pairs, correlations, seeds):
    return {crossmodal_cca.report(*rows(n_pairs, correlations, seed), **FAST).verdict for seed in seeds}


def test_noise_never_helps_a_strong_relation_does_and_few_pairs_say_nothing():
    """The quick version of benchmarks/report_verdict.py."""
    assert "helps" not in verdicts(200, (), range(8))
    assert verdicts(200, STRONG, range(4)) == {"helps"}
    assert verdicts(100, STRONG, range(2)) == {"cannot tell"}


def test_copies_across_the_split_are_not_believed():
    X, y = rows(200, STRONG, 0)
    noise = np.random.default_rng(0).normal(scale=1e-3, size=(200, 30))
    X, y = np.vstack((X, X + noise)), np.vstack((y, y))
    assert crossmodal_cca.report(X, y, **FAST, groups=np.arange(400)).verdict == "cannot tell"
    assert crossmodal_cca.report(X, y, **FAST, groups=np.arange(400) % 200).verdict == "helps"


def test_figures_are_those_of_pairs_that_took_no_part():
    X, y = rows(300, STRONG, 1)
    report = crossmodal_cca.report(X, y, **FAST)
    train, test = report.evidence.train, report.evidence.test
    assert sorted([*train, *test]) == list(range(300)) == report.evidence.pairs.tolist()
    scores = MODEL.fit(X[train], y[train]).transform(X[test], y[test])
    expected = retrieval_report(*scores, measures=["hit_rate_at_10"])
    np.testing.assert_allclose(report.numbers["verdict"]["grounds"]["quality"], expected["value"].mean(), atol=1e-9)
    assert [each["value"] for each in report.numbers["figures"]][:1] == [expected["value"].iloc[0]]


def test_methods_are_compared_where_none_is_given(monkeypatch):
    """With one small search for all of them."""
    small = CCACV([2, 4], shrinkages=(0.1, 0.5), powers=(1.0,), cv=3, scoring="hit_rate_at_10")
    monkeypatch.setattr(aligner_comparison, "methods_of", lambda *_: {"small": small, "one": CCA(1)})
    X, y = rows(200, STRONG, 2)
    report = crossmodal_cca.report(X, y, n_shuffles=2)
    assert report.verdict == "helps"
    assert [each["method"] for each in report.numbers["comparison"]] == ["small", "one"]
    assert report.numbers["origin"]["model"] == report.numbers["comparison"][0]["settings"]
    assert report.evidence.comparison["n_queries"].iloc[0] == 2 * len(report.evidence.train)


def test_rows_of_one_space_are_taken_as_they_are(monkeypatch):
    """The control of a method without a fit pairs at random what is searched, or it would equal the method."""
    monkeypatch.setattr(aligner_comparison, "methods_of", lambda *_: {"cosine": aligner_comparison.RowsAsTheyAre()})
    X = np.random.default_rng(0).normal(size=(200, 20))
    report = crossmodal_cca.report(X, X + 0.1, n_shuffles=5)
    assert report.verdict == "helps"
    assert report.evidence.control.max() < 0.6
    assert report.numbers["origin"]["model"] == "rows as they are"


def paired_with_faults(n_pairs, n_wrong, seed=0):
    """Strongly related pairs, the first of which have each other's partners."""
    X, y = rows(n_pairs, (0.99,) * 8, seed)
    y[:n_wrong] = np.roll(y[:n_wrong], 1, axis=0)
    return X, y


def test_wrong_pairs_are_counted_and_listed_and_a_weak_relation_is_no_sign_of_them():
    options = {"aligner": CCA(8, shrinkage=0.1), "n_shuffles": 2}
    X, y = paired_with_faults(600, 90)
    report = crossmodal_cca.report(X, y, **options, x_captions=[f"item {i}" for i in range(600)])
    found = report.numbers["wrong_pairs"]
    assert 0.1 < found["wrong_share"] < 0.2 < 2 * found["high"] < 0.5
    assert np.mean([each["row"] < 90 for each in found["most_suspicious"]]) > 0.8
    check = PairCheck(CCA(8, shrinkage=0.1)).fit(X, y)
    assert found["wrong_share"] == check.wrong_share_
    caution = f"Up to about {found['wrong_share']:.0%} of the pairs may be wrong"
    assert report.verdict == "helps"
    assert caution in report.to_markdown().replace("\\", "")
    worst = found["most_suspicious"][0]["row"]
    assert f"- item {worst} (row {worst}, " in report.to_markdown()
    weak = crossmodal_cca.report(*rows(600, (0.9, 0.8), 1), aligner=CCA(2), n_shuffles=2)
    assert weak.numbers["wrong_pairs"]["wrong_share"] > 0.05
    assert np.isnan(weak.evidence.grounds.wrong_share)
    few = crossmodal_cca.report(*rows(12, (0.9,), 0, 3, 3), aligner=CCA(1), n_shuffles=2)
    assert "training rows" in few.numbers["wrong_pairs"]["reason"]
    assert "These pairs do not tell" in few.to_markdown()


def test_flat_p_values_stand_out_and_falling_ones_do_not():
    rng = np.random.default_rng(0)
    every = np.arange(1000)
    right = norm.sf(rng.normal(size=1000) + 2.0)
    wrong = np.where(every < 150, rng.random(1000), right)
    assert stand_out(wrong, every)
    assert not stand_out(right, every)
    assert not stand_out(rng.random(1000), every)  # no relation at all
    assert not stand_out(norm.sf(rng.normal(size=1000) + 1.0), every)
    # As many rows of a few groups say no more than these groups.
    assert not stand_out(np.repeat([0.9, 0.8, 0.01, 0.01], 250), np.repeat(np.arange(4), 250))


def test_answers_are_those_of_queries_that_confidence_was_not_learned_from():
    X, y = rows(1500, (0.99,) * 8, 0)
    report = crossmodal_cca.report(X, y, aligner=CCA(8, shrinkage=0.1), n_shuffles=2, test_size=0.5)
    found = report.numbers["confidence"]
    assert list(found) == ["x to y", "y to x"]
    for each in found.values():
        assert each["n_fit"] == each["n_queries"] == 375
        assert each["low"] <= each["expected"] <= each["high"]
        assert abs(each["expected"] - each["found"]) < 0.08
        shares = [answer["answered"] for answer in each["answers"]]
        assert shares == sorted(shares)
        assert shares[-1] > 0.9
        assert each["answers"][-1]["wrong"] < 0.5
    few = crossmodal_cca.report(*rows(200, STRONG, 0), **FAST)
    assert few.numbers["confidence"]["x to y"]["answers"][0]["threshold"] is None
    assert "| x to y | 5% | too few queries to tell |" in few.to_markdown()
    certain = crossmodal_cca.report(*rows(200, (1.0,) * 8, 0, 8, 8), aligner=CCA(8), n_shuffles=2)
    assert "queries must hold some that are right and some that are wrong" in certain.numbers["confidence"]["reason"]


def test_harm_is_that_of_the_same_queries_with_a_simpler_model():
    X, y = rows(500, (0.99,) * 8, 0)
    labels = np.arange(500) % 3
    worse = crossmodal_cca.report(X, y, aligner=CCA(1), baseline=MODEL, n_shuffles=2, labels=labels)
    found = worse.numbers["harm"]
    assert found["baseline"] == worse.evidence.told.harm.baseline == " ".join(repr(MODEL).split())
    train, test = worse.evidence.train, worse.evidence.test
    values = [
        per_query("hit_rate_at_10", *model.fit(X[train], y[train]).transform(X[test], y[test]))
        for model in (MODEL, CCA(1))
    ]
    expected = harm_report(*values, by=labels[test])
    table = found["by_direction"]["x to y"]
    assert [each["queries"] for each in table] == [str(name) for name in expected.index]
    for name in ("better", "worse", "loss", "worse_at_most"):
        np.testing.assert_allclose([each[name] for each in table], expected[name])
    assert worse.evidence.grounds.worse == "x to y and y to x"
    assert "more queries are worse than better off" in worse.to_markdown()
    # Without a baseline: PLS, or the rows as they are where these find partners.
    plain = crossmodal_cca.report(X, y, **FAST)
    assert plain.numbers["harm"]["baseline"].startswith("CCA(")
    assert "shrinkage=1.0" in plain.numbers["harm"]["baseline"]
    assert plain.evidence.grounds.worse == ""
    noise = np.random.default_rng(0).normal(size=(2, 300, 12))
    shared = crossmodal_cca.report(noise[0], noise[0] + noise[1], aligner=CCA(4, shrinkage=0.3), n_shuffles=2)
    assert shared.numbers["harm"]["baseline"] == "rows as they are"
    apart = crossmodal_cca.report(noise[0], noise[0] @ np.roll(np.eye(12), 1, axis=0), aligner=CCA(4), n_shuffles=2)
    assert apart.numbers["harm"]["baseline"].startswith("CCA(")
    same = crossmodal_cca.report(X, y, aligner=MODEL, baseline=MODEL, n_shuffles=2)
    assert "harm" not in same.numbers


def test_queries_that_fare_worse_are_found_and_named_by_what_is_near_them():
    X, y = rows(1200, (0.99,) * 8, 0)
    X, y = X / X.std(), y / y.std()
    kind = np.arange(1200) % 5 == 0
    # Rows of one kind lie apart, and their partners are mixed up.
    X[kind, 0] += 12
    y[kind, 0] += 12
    y[kind] = y[np.roll(np.flatnonzero(kind), 1)]
    captions = np.where(kind, "apart", "other")
    options = {"aligner": CCA(9, shrinkage=0.1), "n_shuffles": 2, "x_captions": captions, "y_captions": captions}
    report = crossmodal_cca.report(X, y, **options, test_size=0.5)
    worst = report.numbers["slices"][0]
    assert worst["sure"]
    assert worst["worse"]
    assert np.mean(kind[worst["pairs"]]) > 0.9
    assert set(worst["pairs"]) <= set(report.evidence.test.tolist())
    assert " to y | apart; apart; apart |" in report.to_markdown()
    assert report.evidence.grounds.n_slices >= 1
    assert "surely worse than the others" in report.evidence.verdict.cautions[-1]
    calm = crossmodal_cca.report(*rows(400, STRONG, 0), **FAST)
    assert calm.evidence.grounds.n_slices == 0
    assert "No kinds of queries fare surely worse" in calm.to_markdown()
    few = crossmodal_cca.report(*rows(100, STRONG, 0), **FAST)
    assert "takes at least 40" in few.numbers["slices"]["reason"]


def signal_and_nuisance(of_signal, of_nuisance, seed=0):
    """Pairs of two shared coordinates with a size and a noise each; classes are the signs of the first one."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(2, 600))
    sides = rng.normal(size=(2, 600, 6))
    for side in sides:
        for j, (size, noise) in enumerate((of_signal, of_nuisance)):
            side[:, j] = size * (shared[j] + noise * side[:, j])
    return *sides, np.where(shared[0] > 0, 3, -1)


def test_sides_are_compared_before_any_training_and_labels_call_for_a_route():
    options = {"aligner": CCA(2, shrinkage=0.1), "n_shuffles": 2, "names": ("X ray", "note y")}
    X, y, labels = signal_and_nuisance((2, 1.2), (0.4, 0.3))
    report = crossmodal_cca.report(X, y, **options, labels=labels)
    # Here −1 is a class like any other.
    leading = [PCA(6).fit_transform(A) for A in (X, y)]
    expected = alignment_regime(*leading, labels > 0, shrinkage="oas", n_permutations=199)
    answers = {each["route"]: each["answer"] for each in report.numbers["regime"]["routes"]}
    assert answers == expected.routes["answer"].to_dict() == {"align": "no", "x_to_y": "yes", "y_to_x": "yes"}
    assert "predict note y from X ray or predict X ray from note y" in report.to_markdown()
    assert not report.evidence.grounds.harmful
    assert report.evidence.grounds.agree
    assert [each["p_value"] <= 0.05 for each in report.numbers["agreement"]] == [True, True]
    harmful = crossmodal_cca.report(*signal_and_nuisance((0.8, 1.2), (2, 0.3))[:2], **options, labels=labels)
    assert harmful.evidence.grounds.harmful
    assert "Neither alignment nor prediction recovers" in harmful.evidence.verdict.cautions[-1]
    noise = crossmodal_cca.report(*rows(300, (), 0), **FAST)
    assert not noise.evidence.grounds.agree
    assert "Before any training both sides agree on no more items" in noise.to_markdown()
    assert "regime" not in noise.numbers
    sparse = crossmodal_cca.report(csr_array(X), csr_array(y), **options, labels=labels)
    assert "rows are sparse" in sparse.numbers["agreement"]["reason"]
    assert "rows are sparse" in sparse.numbers["regime"]["reason"]
    assert "harm" not in sparse.numbers


def test_pairs_are_compared_with_a_reference():
    X, y = rows(1600, (0.95,) * 6, 0)
    sides, reference = (X[:800], y[:800]), (X[800:], y[800:])
    same = crossmodal_cca.report(*sides, **FAST, reference=reference)
    assert same.evidence.grounds.changed == ""
    assert "No change is seen" in same.to_markdown()
    test = same.evidence.test
    expected = DriftMonitor(same.model, random_state=0).fit(*reference).test(X[test], y[test])
    assert [each["p_value"] for each in same.numbers["drift"]["tests"]] == expected["p_value"].tolist()
    moved = crossmodal_cca.report(*sides, **FAST, reference=(X[800:] + 1.0, y[800:]), names=("sound", "note"))
    assert "sound means" in moved.evidence.grounds.changed
    assert "- sound means: changed" in moved.to_markdown()
    assert "These pairs differ from the reference" in moved.to_markdown()
    few = crossmodal_cca.report(*sides, **FAST, reference=(X[:9], y[:9]))
    assert few.numbers["drift"]["reason"].startswith("X of the reference has")
    assert "drift" not in crossmodal_cca.report(*sides, **FAST).numbers


def test_large_tables_are_cut_and_the_page_says_so():
    X, y = rows(900, STRONG, 0)
    report = crossmodal_cca.report(X, y, **FAST, max_pairs=300, groups=np.arange(900) // 3)
    split = report.numbers["split"]
    assert (split["n_pairs"], split["n_train"] + split["n_held_out"], split["n_left_out"]) == (900, 300, 600)
    assert np.all(np.bincount(report.evidence.pairs // 3, minlength=300) % 3 == 0)
    assert "600 further pairs were left out" in report.to_markdown()
    assert len(report.evidence.told.wrong_pairs.pairs) == 300
    whole = crossmodal_cca.report(X, y, **FAST, max_pairs=None)
    assert whole.numbers["split"]["n_left_out"] == 0


def test_texts_of_the_user_stay_texts(hostile, page):
    elements = Elements(page.read_text(encoding="utf-8"))
    assert [attributes.get("type") for attributes in elements.attributes("script")] == ["application/json"]
    assert not {name for _, attributes in elements.found for name in attributes if name.startswith("on")}
    kinds = {"html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "section", "footer"}
    kinds |= {"h1", "h2", "h3", "p", "ul", "ol", "li", "a", "div", "strong", "small", "br", "bdi", "span", "img"}
    kinds |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "code", "script"}
    assert {tag for tag, _ in elements.found} <= kinds
    said = "".join(elements.texts)
    assert said.count("<script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;]]>-->$x$ {{7}} ${title} ") > 20
    assert not re.search("[\x00-\x08\x0b-\x1f]", said)
    # Nothing of it is a mark in Markdown, either.
    assert "<script" not in re.sub(r"\\.|```.*?```", "", hostile.to_markdown(), flags=re.DOTALL)


def test_a_page_needs_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    elements = Elements(text)
    assert len(text.encode()) < 3e6
    for attributes in elements.attributes("img"):
        assert attributes["src"].startswith(("data:image/svg+xml;base64,", "data:image/jpeg;base64,"))
        assert attributes["alt"].strip()
    for attributes in elements.attributes("a", "link"):
        assert attributes["href"].startswith(("#", "data:", "https://example.org/"))
    assert not re.search(r"url\(|@import", text)
    for attributes in elements.attributes("img"):
        if "svg" in attributes["src"][:20]:
            svg = base64.b64decode(attributes["src"].partition(",")[2]).decode()
            assert "<text" in svg  # texts as texts
            assert "<dc:date>" not in svg
            addresses = re.findall(r'(?:href|src)="([^"]*)"', svg)
            assert all(address.startswith(("#", "data:", "\n")) for address in addresses)


def test_headings_follow_each_other_and_links_have_a_target(page):
    elements = Elements(page.read_text(encoding="utf-8"))
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    places = {attributes.get("id") for _, attributes in elements.found}
    links = [each["href"] for each in elements.attributes("a") if each["href"].startswith("#")]
    assert len(links) == len(SECTIONS) - 1  # nothing was compared
    assert {link[1:] for link in links} <= places
    assert all("scope" in attributes for attributes in elements.attributes("th"))


def test_numbers_are_in_the_page(hostile, page):
    inside = re.search(r'<script type="application/json" id="numbers">(.*?)</script>', page.read_text(), re.DOTALL)
    numbers = json.loads(inside[1])
    assert set(numbers) == {"report", *(s.key for s in SECTIONS if s.key not in ("comparison", "examples"))}
    assert numbers["verdict"]["word"] == hostile.verdict
    assert numbers["classes"][0]["class"].endswith(EVIL[-3:])


def test_colours_have_contrast_in_both_schemes():
    css = (ROOT / "crossmodal_cca" / "reporting" / "page.css").read_text()

    def luminance(color):
        shares = [int(color[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
        return np.dot((0.2126, 0.7152, 0.0722), linear)

    schemes = [
        dict(re.findall(r"--(\w+): #(\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    for scheme in schemes[:2]:
        assert len(scheme) == 9
        for name in ("ink", "faint", "link", "good", "open", "bad"):
            for under in ("paper", "tint"):
                light, dark = sorted((luminance(scheme[name]), luminance(scheme[under])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, under)


def test_thumbnails_are_small_and_say_their_names_alone(page):
    elements = Elements(page.read_text(encoding="utf-8"))
    small = [each for each in elements.attributes("img") if each["class"] == "thumbnail"]
    assert small
    for each in small:
        assert re.fullmatch(r"\d+\.png", each["alt"])
        with Image.open(io.BytesIO(base64.b64decode(each["src"].partition(",")[2]))) as picture:
            assert max(picture.size) <= 96
    assert "secret folder" not in page.read_text()


def test_pictures_that_cannot_be_read_are_named(pictures):
    captions = crossmodal_cca.reporting._captions.Captions.of(pictures, "x_captions", 160)
    for row in (0, 1):
        assert captions.of_row(row).texts == [f"{row}.png (no picture that can be read)"]
    assert captions.of_row(2).thumbnails[0][0] == "2.png"


def test_the_same_input_gives_the_same_bytes(hostile):
    again = _page.Report(hostile.evidence)
    assert again._html() == hostile._html()


def test_examples_can_be_left_out():
    X, y = rows(160, STRONG, 0, 12, 10)
    private = [f"private {i}" for i in range(160)]
    for examples in (True, False):
        report = crossmodal_cca.report(X, y, **FAST, x_captions=private, y_captions=private, examples=examples)
        assert ("private 1" in report.to_markdown()) == examples


def test_a_notebook_shows_a_document_of_its_own(hostile):
    (frame,) = Elements(hostile._repr_html_()).found
    assert frame[0] == "iframe"
    assert frame[1]["sandbox"] == "allow-popups"
    assert frame[1]["srcdoc"] == hostile._html().replace("\r", "")


def test_a_section_is_a_row_of_the_table(hostile, monkeypatch):
    more = Section("more", "More", lambda evidence: [Text(f"{len(evidence.test)} pairs")], lambda evidence: 7)
    monkeypatch.setattr(_page, "SECTIONS", (*SECTIONS, more))
    report = _page.Report(hostile.evidence)
    assert report.numbers["more"] == 7
    assert f"## More\n\n{len(hostile.evidence.test)} pairs\n" in report.to_markdown()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_captions": ["one"]}, "x_captions has 1 entries"),
        ({"x_captions": "one"}, "x_captions must be a sequence of texts"),
        ({"labels": [1, 2]}, "labels"),
        ({"measure": "median_rank"}, "measure must be a mean over queries"),
        ({"test_size": 1.0}, r"test_size must lie in \(0, 1\)"),
        ({"groups": np.zeros(160)}, "A share of 0.2 held out of 1 groups of pairs leaves none to fit to"),
        ({"groups": np.arange(160) // 40, "test_size": 0.8}, "A share of 0.8 held out of 4 groups"),
        ({"examples": 1}, "examples must be True or False"),
        ({"max_pairs": 1}, "max_pairs must be a whole number"),
        ({"baseline": PCA(2)}, "baseline must have fit, transform, transform_y.*PCA has no"),
        ({"reference": 1}, "reference must be two tables, X and y of other pairs"),
        ({"reference": (np.zeros((3, 30)), np.zeros((3, 4)))}, "reference has 4 features of y, and y has 20"),
        ({"reference": (np.zeros((3, 30)), np.zeros((2, 20)))}, r"reference\[0\] has 3 rows and reference\[1\] has 2"),
        ({"n_shuffles": 0}, "n_shuffles must be a whole number"),
        ({"names": ("x", "x")}, "names must be two different"),
        ({"aligner": PCA(2)}, "aligner must have fit, transform, transform_y.*PCA has no"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        crossmodal_cca.report(*rows(160, STRONG, 0), **FAST | options)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of 160 pairs, in a folder that nobody is to know, and a model of them."""
    folder = tmp_path_factory.mktemp("secret folder")
    X, y = rows(160, STRONG, 0, 12, 10)
    np.save(folder / f"x{EVIL[8:14]}.npy", X)
    np.save(folder / "y.npy", y)
    pd.DataFrame({"a<b>": [f"item {i}" for i in range(160)], "class": np.arange(160) % 2}).to_csv(
        folder / "names.csv", index=False
    )
    MODEL.fit(X, y).save(folder / "model")
    CCA(1).fit(X, y).save(folder / "simple")
    for name, rows_of_side in zip(("x_ref", "y_ref"), rows(200, STRONG, 1, 12, 10), strict=True):
        np.save(folder / f"{name}.npy", rows_of_side)
    return folder


def test_a_command_writes_the_page(files, capsys):
    given = [str(files / f"x{EVIL[8:14]}.npy"), str(files / "y.npy"), "-o", str(files / "report.html")]
    names = [f"--{name}={files}/names.csv:{column}" for name, column in (("x-captions", "a<b>"), ("labels", "class"))]
    command = ["report", *given, *names, "--settings-of", str(files / "model"), "--shuffles", "2", "--names", "a", "b"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"]["word"], found["split"]["n_pairs"]) == ("helps", 160)
    assert len(found["origin"]["sha256"]) == 4
    text = (files / "report.html").read_text()
    assert "secret folder" not in text
    assert "item 1" in text
    assert "names.csv:a&lt;b&gt;" in text
    assert main([*command, "--json"]) == 2
    assert "overwrite it with --force" in json.loads(capsys.readouterr().out)["error"]
    assert found["verdict"]["cautions"]
    assert main([*command, "--force", "--no-examples", "--quiet"]) == 0
    printed = capsys.readouterr().out
    for caution in found["verdict"]["cautions"]:
        assert f"\n- {caution}\n" in printed
    assert "item 1" not in (files / "report.html").read_text()
    capsys.readouterr()
    assert main([*command[:3], "-o", str(files / "no" / "report.html"), "--json"]) == 2
    assert "there is no folder" in json.loads(capsys.readouterr().out)["error"]


def test_a_command_takes_a_baseline_a_reference_and_a_limit(files, capsys):
    given = [str(files / f"x{EVIL[8:14]}.npy"), str(files / "y.npy"), "-o", str(files / "other.html")]
    models = ["--settings-of", str(files / "model"), "--baseline", str(files / "simple"), "--shuffles", "2"]
    reference = ["--reference", str(files / "x_ref.npy"), str(files / "y_ref.npy")]
    assert main(["report", *given, *models, *reference, "--at-most", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["harm"]["baseline"] == "CCA(n_components=1)"
    assert (found["split"]["n_left_out"], found["drift"]["n_pairs"]) == (60, 20)
    assert [name for name in found["origin"]["sha256"] if "ref" in name] == [
        "--reference X x_ref.npy",
        "--reference Y y_ref.npy",
    ]
    assert any(caution.startswith("These pairs differ from the reference") for caution in found["verdict"]["cautions"])
    command = found["origin"]["repeat"]
    assert "--reference x_ref.npy y_ref.npy -o other.html " in command
    assert "--settings-of model --baseline simple --at-most 100 --seed 0" in command
    assert "secret folder" not in (files / "other.html").read_text()


def test_halves_of_characters_are_replaced():
    assert escaped("a\ud800<b") == "a\ufffd&lt;b"
    assert plain("a\ud800") == "a\ufffd"


def test_markdown_marks_are_texts():
    assert plain("a*b_c [d](e) <f>\n| g") == r"a\*b\_c \[d\](e) \<f\> \| g"
    assert plain("1. one") == r"1\. one"
