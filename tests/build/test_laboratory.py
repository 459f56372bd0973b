"""The laboratory's scripts compute what the library computes.

They run in Chromium, on an empty page: exact curves, budgets and steps on vectors that are written
here, the sampler by statistical tests, texts by the counts of the n-gram learner.
"""

import math
import random
import re
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from scipy import stats

from book._ext import laboratory, laboratory_data
from collapse_lib import coalescent, corpora, distributions, recursion, schedules, steps, theory
from collapse_lib.learners import ngram
from tests.support import ROOT, SITE

FOLDER = ROOT / "book" / "_static" / "laboratory"
LAW = distributions.power_law(12, 12, 0.15)
NONE = {"temperature": 1, "topK": 0, "nucleus": 1, "minP": 0, "right": 3, "pass": 1}


def options(schedule="alone", **changed):
    """Return what a run asks for, as the page's settings give it."""
    standard = {
        "n": 10,
        "real": 10,
        "window": 3,
        "reuse": False,
        "pseudocounts": 0,
        "step": NONE,
        "runs": 1,
        "generations": 30,
        "seed": 1,
    }
    return standard | {"schedule": schedule} | changed


@pytest.fixture(scope="module")
def lab(browser):
    """Evaluate a function of the scripts: `lab("(x) => Laboratory...", argument)`."""
    page = browser.new_page()
    for name in (*laboratory.SCRIPTS, *laboratory.WHOLE, "shakespeare"):
        page.add_script_tag(path=FOLDER / f"{name}.js")
    yield lambda function, argument=None: page.evaluate(function, argument)
    page.close()


# ---- exact curves

EXACT = """
    ([options, s0, size]) => {
        const found = Laboratory.exact.collision(options, s0, size);
        return found && Array.from(found.values);
    }
"""
DETERMINISTIC = [
    ("alone", {"n": 10}, schedules.FullySynthetic(10)),
    ("alone", {"n": 1}, schedules.FullySynthetic(1)),
    ("kept", {"n": 6, "real": 4}, schedules.PartiallySynthetic(4, 6)),
    ("kept", {"n": 1, "real": 1}, schedules.PartiallySynthetic(1, 1)),
    ("fresh", {"n": 6, "real": 4}, schedules.FreshReal(4, 6)),
    ("fresh", {"n": 40, "real": 7}, schedules.FreshReal(7, 40)),
    ("window", {"n": 11, "window": 1}, schedules.MostRecent(11, 1)),
    ("window", {"n": 11, "window": 3}, schedules.MostRecent(11, 3)),
    ("window", {"n": 20, "window": 7}, schedules.MostRecent(20, 7)),
    ("window", {"n": 50, "window": 40}, schedules.MostRecent(50, 40)),
    ("window", {"n": 11, "window": 1, "reuse": True}, schedules.MostRecent(11, 1, kept=True)),
    ("window", {"n": 11, "window": 3, "reuse": True}, schedules.MostRecent(11, 3, kept=True)),
    ("window", {"n": 20, "window": 7, "reuse": True}, schedules.MostRecent(20, 7, kept=True)),
    ("window", {"n": 50, "window": 40, "reuse": True}, schedules.MostRecent(50, 40, kept=True)),
    ("accumulating", {"n": 6, "real": 4}, schedules.Accumulating(4, 6)),
    ("accumulating", {"n": 90, "real": 10}, schedules.Accumulating(10, 90)),
]


@pytest.mark.parametrize(("name", "changed", "schedule"), DETERMINISTIC, ids=str)
def test_exact_curves(lab, name, changed, schedule):
    found = lab(EXACT, [options(name, **changed, generations=60), 0.15, 12])
    wanted = theory.expected_collisions(schedule, 60, 0.15)
    assert found == pytest.approx(wanted, abs=1e-12)


def test_the_curve_of_kept_data_is_not_the_printed_one(lab):
    found = lab(EXACT, [options("kept", n=6, real=4), 0.46, 3])
    assert found[2] == pytest.approx(0.6193, abs=1e-12)
    assert abs(found[2] - theory.expected_collision_mixed_as_printed(2, 4, 6, 0.46)) > 0.01


def test_exact_curve_of_random_sampling(lab):
    found = lab(EXACT, [options("random", n=5), 0.2, 12])
    assert found == pytest.approx([theory.expected_collision_random(m, 5, 0.2) for m in range(31)])


def smoothed(first, n, pseudocounts, generations):
    """Return S_0, ... of two tokens, from the chain of the counts of the first of them."""
    counts = np.arange(n + 1)
    after = (counts + pseudocounts / 2) / (n + pseudocounts)
    squares = after**2 + (1 - after) ** 2
    law = stats.binom.pmf(counts, n, first)
    found = [first**2 + (1 - first) ** 2]
    for _ in range(generations):
        found.append(law @ squares)
        law = law @ stats.binom.pmf(counts[None, :], n, after[:, None])
    return found


def test_exact_curve_of_smoothing(lab):
    changed = options(n=7, pseudocounts=3, generations=20)
    found = lab(EXACT, [changed, 0.9**2 + 0.1**2, 2])
    assert found == pytest.approx(smoothed(0.9, 7, 3, 20), abs=1e-12)
    changed = options(n=40, pseudocounts=0.5)
    found = lab(EXACT, [changed, (LAW**2).sum(), 12])
    wanted = theory.expected_collision_smoothed(np.arange(31), 40, LAW, 0.5)
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    "changed",
    [
        {"schedule": "random", "reuse": True},
        {"schedule": "kept", "pseudocounts": 1},
        {"step": NONE | {"temperature": 0.9}},
        {"step": NONE | {"topK": 3}},
        {"step": NONE | {"pass": 0.5}},
    ],
    ids=str,
)
def test_no_curve_where_the_book_has_none(lab, changed):
    assert lab(EXACT, [options() | changed, 0.2, 12]) is None


@pytest.mark.parametrize("n", [1, 2, 10, 100, 400])
def test_the_distribution_of_the_collapse_time(lab, n):
    p = LAW.tolist()
    found = lab("([p, n]) => Array.from(Laboratory.exact.collapseTimes(p, n, 300))", [p, n])
    assert found == pytest.approx(coalescent.collapse_time_cdf(p, n, 300), abs=1e-12)
    mean = lab("([p, n]) => Laboratory.exact.expectedCollapseTime(p, n)", [p, n])
    assert mean == pytest.approx(coalescent.expected_collapse_time(p, n), rel=1e-10)


LEFT = "([p, options]) => Laboratory.exact.tokensLeft(p, options)"


def test_expected_tokens_left(lab):
    found = lab(LEFT, [LAW.tolist(), options(n=9, generations=20)])
    alive = coalescent.alive_probabilities(LAW, 9, 20)
    assert alive.shape == (21, 12)
    assert found == pytest.approx(alive.sum(axis=1), abs=1e-10)


def test_expected_tokens_left_of_a_kept_corpus(lab):
    found = lab(LEFT, [LAW.tolist(), options("kept", real=9, generations=4)])
    assert found == pytest.approx([12] + 4 * [(1 - (1 - LAW) ** 9).sum()], abs=1e-10)


# ---- steps, sources, planner


def random_distribution(rng, size):
    weights = rng.integers(0, 6, size).astype(float)  # with ties and zeros
    weights[rng.integers(size)] += 1
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("step", "chosen"),
    [
        ({"temperature": 0.5}, steps.Temperature(0.5)),
        ({"temperature": 1.7}, steps.Temperature(1.7)),
        ({"topK": 3}, steps.TopK(3)),
        ({"topK": 100}, steps.TopK(100)),
        ({"nucleus": 0.9}, steps.Nucleus(0.9)),
        ({"nucleus": 0.5}, steps.Nucleus(0.5)),
        ({"minP": 0.4}, steps.MinP(0.4)),
        ({"pass": 0.3, "right": 3}, steps.Accept((1, 1, 1, *5 * [0.3]))),
        (
            {"temperature": 0.8, "topK": 5, "nucleus": 0.8, "minP": 0.1},
            (steps.Temperature(0.8), steps.TopK(5), steps.Nucleus(0.8), steps.MinP(0.1)),
        ),
    ],
    ids=str,
)
def test_steps(lab, step, chosen):
    rng = np.random.default_rng(1)
    cases = np.array([random_distribution(rng, 8) for _ in range(200)])
    found = lab(
        """([step, cases]) => cases.map((p) => Array.from(
            Laboratory.steps.apply(step, Float64Array.from(p), Array.from(p.keys()))))""",
        [NONE | step, cases.tolist()],
    )
    np.testing.assert_allclose(found, steps.apply(chosen, cases), atol=1e-14)


def test_min_p_keeps_what_only_rounding_puts_below(lab):
    found = lab("(p) => Array.from(Laboratory.steps.minP(p, 0.1))", [1 / 12, 10 / 12, 1 / 12])
    np.testing.assert_allclose(found, [1 / 12, 10 / 12, 1 / 12])


def test_a_filter_that_accepts_nothing_is_one_sentence(lab):
    message = lab(
        """() => {
            try { Laboratory.steps.accept(Float64Array.of(1), () => 0); }
            catch (error) { return [error instanceof Laboratory.Problem, error.message]; }
        }"""
    )
    assert message[0]
    assert "filter accepts" in message[1]


@pytest.mark.parametrize(("support", "collision"), [(52, 0.1), (2, 0.9), (1000, 0.001), (10, 0.99)])
def test_power_law(lab, support, collision):
    found = lab("([s, c]) => Array.from(Laboratory.sources.powerLaw(s, c))", [support, collision])
    np.testing.assert_allclose(
        found, distributions.power_law(support, support, collision), atol=1e-10
    )


EPSILONS = [0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 2.0]
REALS = [1, 10, 100, 200, 300, 1000, 30_000]


def test_budgets(lab):
    cases = [[real, LAW.tolist(), epsilon] for real in REALS for epsilon in EPSILONS]
    found = lab(
        "(cases) => cases.map((c) => { const n = Laboratory.planner.budget(...c);"
        " return n === Infinity ? 'inf' : n; })",
        cases,
    )
    wanted = [theory.budget(*case) for case in cases]
    assert found == ["inf" if n == math.inf else n for n in wanted]
    assert len(set(found)) > 10


def test_no_distance_exceeds_a_tolerance_of_2(lab):
    for call in (
        "budget(2, Array(600).fill(1 / 600), 2)",
        "budgetGivenCorpus(2, Array(600).fill(1 / 600), 2)",
        "budgetConfident(5, 40, 2, 0.05)",
    ):
        assert lab(f"() => Laboratory.planner.{call} === Infinity")


def test_budget_given_the_corpus_is_the_largest_that_the_bound_allows(lab):
    for real, epsilon in [(100, 0.1), (300, 0.1), (1000, 0.05)]:
        case = [real, LAW.tolist(), epsilon]
        n = lab("(c) => Laboratory.planner.budgetGivenCorpus(...c)", case)
        bounds = [theory.deviation_bound_given_corpus(10**6, real, k, LAW) for k in (n, n + 1)]
        assert bounds[0] <= epsilon < bounds[1]


def test_budget_with_confidence_is_the_largest_that_the_bound_allows(lab):
    def log_bound(real, n, k, epsilon):
        return math.log(2**k - 2) - epsilon**2 * real * (real + 2 * n) / (2 * n)

    for real, k, epsilon, risk in [(100, 5, 0.2, 0.05), (2000, 30, 0.1, 0.001), (12, 2, 0.3, 0.5)]:
        n = lab("(c) => Laboratory.planner.budgetConfident(...c)", [real, k, epsilon, risk])
        assert 0 < n < math.inf
        assert n == theory.budget_with_confidence(real, k, epsilon, risk)
        assert log_bound(real, n, k, epsilon) <= math.log(risk)
        assert log_bound(real, n + 1, k, epsilon) > math.log(risk)
    whole = lab("() => Laboratory.planner.budget(10, [0.5, 0.5], 0.2)")
    assert whole == theory.budget(10, [0.5, 0.5], 0.2)
    enough = math.ceil(math.log((2**5 - 2) / 0.05) / 0.1**2)
    any_amount = "(c) => Laboratory.planner.budgetConfident(...c) === Infinity"
    assert lab(any_amount, [enough, 5, 0.1, 0.05])
    assert not lab(any_amount, [enough - 1, 5, 0.1, 0.05])


def test_losses_of_the_next_generation(lab):
    found = lab("(p) => Laboratory.planner.expectedLoss(p, 20)", LAW.tolist())
    assert found == pytest.approx(((1 - LAW) ** 20).sum())
    danger = lab("(p) => Laboratory.planner.inDanger(p, 20)", LAW.tolist())
    assert danger == np.flatnonzero((1 - LAW) ** 20 > 0.5).tolist()
    assert danger


def test_bias_of_a_step(lab):
    step = NONE | {"temperature": 0.9}
    b = lab("(c) => Laboratory.planner.bias(c[0], Float64Array.from(c[1]))", [step, LAW.tolist()])
    assert b == pytest.approx(np.abs(LAW - steps.Temperature(0.9).apply(LAW)).sum())
    ceiling = lab("(b) => Laboratory.planner.biasCeiling(b, 200, 100)", b)
    assert ceiling == pytest.approx(theory.bias_ceiling(b, 200, 100))


# ---- the sampler

DRAWS = 40_000
BINOMIALS = """
    ([n, p, draws, seed]) => {
        const rng = new Laboratory.random.Generator(seed);
        return Array.from({ length: draws }, () => Laboratory.random.binomial(rng, n, p));
    }
"""


def chi_square(drawn, n, p):
    """Return the p-value of binomial draws; cells with fewer than 20 expected draws are joined."""
    law, ends, below = stats.binom(n, p), [], 0.0
    for k in range(int(law.ppf(1e-9)), int(law.isf(1e-9)) + 1):
        if min(law.cdf(k) - below, law.sf(k)) * len(drawn) >= 20:
            ends.append(k)
            below = law.cdf(k)
    chances = np.diff([0, *law.cdf(ends), 1])
    counts = np.bincount(np.searchsorted(ends, drawn), minlength=len(ends) + 1)
    return stats.chisquare(counts, chances * len(drawn)).pvalue


@pytest.mark.parametrize(
    ("n", "p"),
    [
        (5, 0.3),
        (40, 0.1),
        (40, 0.9),
        (100, 0.1),
        (100, 0.5),
        (1000, 0.37),
        (10**5, 0.0001),
        (10**5, 0.6),
    ],
)
def test_binomial_draws_pass_where_biased_ones_fail(lab, n, p):
    drawn = lab(BINOMIALS, [n, p, DRAWS, 3])
    assert chi_square(drawn, n, p) > 0.001
    shift = 0.1 * math.sqrt(p * (1 - p) / n)  # a tenth of a standard deviation
    biased = lab(BINOMIALS, [n, p + shift, DRAWS, 3])
    assert chi_square(biased, n, p) < 1e-6


@pytest.mark.parametrize("n", [3, 200])
def test_draws_of_a_model_have_its_frequencies(lab, n):
    """Both ways: token by token, or sample by sample where these are few."""
    drawn = lab(
        """([p, n]) => {
            const rng = new Laboratory.random.Generator(2);
            const source = Laboratory.recursion.model(p);
            const counts = p.map(() => 0);
            for (let i = 0; i < 6000 / n; i++) {
                const corpus = Laboratory.recursion.draw(rng, source, n);
                corpus.tokens.forEach((token, k) => (counts[token] += corpus.weights[k]));
            }
            return counts;
        }""",
        [distributions.power_law(30, 30, 0.1).tolist(), n],
    )
    assert sum(drawn) == 6000
    wanted = 6000 * distributions.power_law(30, 30, 0.1)
    assert stats.chisquare(drawn, wanted).pvalue > 0.001
    assert stats.chisquare(drawn, 200 * np.ones(30)).pvalue < 1e-6


RUN = """
    ([p, options]) => {
        const runs = new Laboratory.recursion.Runs(Float64Array.from(p), options);
        while (!runs.done) runs.advance();
        const { collision, support, collapse, width } = runs;
        return [collision, support, collapse].map((values) => Array.from(values)).concat(width);
    }
"""


def simulate(lab, p, chosen):
    """Return collision and support, of shape (runs, generations + 1), and collapse times."""
    collision, support, collapse, width = lab(RUN, [list(p), chosen])
    return np.reshape(collision, (-1, width)), np.reshape(support, (-1, width)), np.array(collapse)


def standard_errors(values, wanted):
    """Return how many standard errors the mean of each column is from what is wanted."""
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return np.abs(values.mean(axis=0) - wanted) / error


@pytest.mark.parametrize(("name", "changed", "schedule"), DETERMINISTIC, ids=str)
def test_mean_collision_probability_of_every_schedule(lab, name, changed, schedule):
    chosen = options(name, **changed, runs=3000, generations=8)
    wanted = theory.expected_collisions(schedule, 8, (LAW**2).sum())
    collision, _, _ = simulate(lab, LAW, chosen)
    assert collision[:, 0] == pytest.approx(wanted[0])
    certain = wanted > 1 - 1e-12  # one sample: a single token
    assert (collision[:, certain] == 1).all()
    varies = ~certain & (np.arange(9) > 0)
    if varies.any():
        assert standard_errors(collision[:, varies], wanted[varies]).max() < 4.5
        biased, _, _ = simulate(lab, LAW**1.3, chosen)
        assert standard_errors(biased[:, varies], wanted[varies]).max() > 4.5


def test_mean_collision_probability_of_random_sampling(lab):
    collision, _, _ = simulate(lab, LAW, options("random", n=10, runs=3000, generations=8))
    wanted = np.array([theory.expected_collision_random(m, 10, (LAW**2).sum()) for m in range(9)])
    assert standard_errors(collision[:, 1:], wanted[1:]).max() < 4.5


@pytest.mark.parametrize("reuse", [False, True])
def test_random_sampling_agrees_with_the_library(lab, reuse):
    collision, support, _ = simulate(
        lab, LAW, options("random", n=10, reuse=reuse, runs=3000, generations=8)
    )
    ours = recursion.simulate(LAW, schedules.RandomlySampled(10, kept=reuse), 8, 3000, rng=4)
    for lab_values, values in ((collision, ours.collision), (support, ours.support)):
        error = np.sqrt((lab_values.var(axis=0) + values.var(axis=0))[1:] / 3000)
        assert (np.abs(lab_values.mean(axis=0) - values.mean(axis=0))[1:] / error).max() < 4.5


def test_reuse_makes_a_difference(lab):
    """The check above can fail: kept and fresh corpora are far apart."""
    means = [
        simulate(lab, LAW, options("random", n=10, reuse=reuse, runs=3000, generations=8))[0]
        for reuse in (False, True)
    ]
    error = math.sqrt(sum(values[:, 8].var() for values in means) / 3000)
    assert abs(means[0][:, 8].mean() - means[1][:, 8].mean()) > 10 * error


@pytest.mark.parametrize(
    ("step", "chosen", "pseudocounts"),
    [
        ({"temperature": 0.7}, steps.Temperature(0.7), 0),
        ({"topK": 4}, steps.TopK(4), 0),
        ({"nucleus": 0.8}, steps.Nucleus(0.8), 0),
        ({"minP": 0.3}, steps.MinP(0.3), 0),
        ({"pass": 0.5, "right": 3}, steps.Accept((1, 1, 1, *9 * [0.5])), 0),
        ({}, None, 4),
        ({"temperature": 0.7}, steps.Temperature(0.7), 4),
    ],
    ids=str,
)
def test_steps_and_smoothing_in_the_recursion(lab, step, chosen, pseudocounts):
    """The step acts on models and not on real data, which is fresh here every time."""
    runs, generations = 3000, 4
    collision, _, _ = simulate(
        lab,
        LAW,
        options(
            "fresh", step=NONE | step, pseudocounts=pseudocounts, runs=runs, generations=generations
        ),
    )
    schedule = schedules.FreshReal(10, 10)
    ours = np.array(
        [
            (recursion.sample_path(LAW, schedule, generations, rng, chosen, pseudocounts) ** 2).sum(
                axis=1
            )
            for rng in np.random.default_rng(5).spawn(600)
        ]
    )
    error = np.sqrt((collision.var(axis=0) / runs + ours.var(axis=0) / len(ours))[1:])
    assert (np.abs(collision.mean(axis=0) - ours.mean(axis=0))[1:] / error).max() < 4.5
    plain, _, _ = simulate(lab, LAW, options("fresh", runs=runs, generations=generations))
    error = np.sqrt((collision.var(axis=0) + plain.var(axis=0))[-1] / runs)
    assert abs(collision.mean(axis=0) - plain.mean(axis=0))[-1] > 10 * error


def test_collapse_times_and_tokens_left_follow_the_exact_distributions(lab):
    runs = 3000
    _, support, collapse = simulate(lab, LAW, options(n=8, runs=runs, generations=25))
    cdf = coalescent.collapse_time_cdf(LAW, 8, 25)
    found = np.array([((collapse > 0) & (collapse <= m)).mean() for m in range(26)])
    assert stats.kstwo.sf(np.abs(found - cdf).max(), runs) > 0.001
    assert stats.kstwo.sf(np.abs(found[1:] - cdf[:-1]).max(), runs) < 1e-6
    alive = coalescent.alive_probabilities(LAW, 8, 25).sum(axis=1)
    assert standard_errors(support[:, 1:], alive[1:]).max() < 4.5
    assert (support[collapse > 0, collapse[collapse > 0]] == 1).all()


def test_one_seed_gives_one_run_in_slices_or_at_once_and_beside_others(lab):
    chosen = options("random", reuse=True, runs=3)
    first, again = simulate(lab, LAW, chosen), simulate(lab, LAW, chosen)
    other = simulate(lab, LAW, chosen | {"seed": 2})
    more = simulate(lab, LAW, chosen | {"runs": 5})
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] == more[0][:3]).all()
    assert (first[0][:, 1:] != other[0][:, 1:]).mean() > 0.9
    assert (first[0][0, 1:] != first[0][1, 1:]).mean() > 0.9
    sliced = lab(
        """([p, options]) => {
            const runs = new Laboratory.recursion.Runs(Float64Array.from(p), options);
            while (!runs.done) { for (const work = runs.advancing(); !work.next().done; ); }
            return Array.from(runs.collision);
        }""",
        [LAW.tolist(), chosen],
    )
    assert sliced == first[0].ravel().tolist()


def test_what_has_no_room_is_refused_in_one_sentence(lab):
    refused = lab(
        """(options) => {
            try { new Laboratory.recursion.Runs(new Float64Array(500000).fill(1), options); }
            catch (error) { return [error instanceof Laboratory.Problem, error.message]; }
        }""",
        options(pseudocounts=1, runs=200),
    )
    assert refused[0]
    assert "take fewer runs" in refused[1]


# ---- texts

TEXTS = {
    "English": "To be, or not to be: that is the question. Whether 'tis nobler in the mind\n" * 3,
    "Chinese": "道可道，非常道。名可名，非常名。无名天地之始；有名万物之母。𠮷野家",
    "Arabic": "بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ كتاب الحكمة كتاب",
    "combining marks": "e\u0301te\u0301 cafe\u0301 n\u0303andu\u0301 हिन्दी में किताब",
    "emoji": "👩‍🚀 goes up, 👩‍🚀 goes down 🙂🙃🙂",
    "Japanese": "すもももももももものうち。カタカナ・テスト、日本語 mixed with English",
}
NGRAM = """
    ([text, order]) => {
        const { text: t, work } = Laboratory;
        const model = work.now(t.train(work.now(t.encode(text, "characters")), order));
        return model.rows();
    }
"""


def rows(table):
    """Return what follows each context of a table, by name."""
    counts = table.counts
    return {
        table.name(j): {
            table.alphabet[counts.indices[k]]: int(counts.data[k])
            for k in range(counts.indptr[j], counts.indptr[j + 1])
        }
        for j in range(len(table.contexts))
    }


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("name", TEXTS)
def test_ngram_counts_of_any_script(lab, name, order):
    assert lab(NGRAM, [TEXTS[name], order]) == rows(ngram.count(TEXTS[name], order))


@pytest.mark.parametrize("order", [1, 3, 5])
def test_ngram_counts_of_shakespeare(lab, order):
    """The text that is rebuilt from the packed counts, and the model that is trained on it."""
    text = lab(
        """() => {
            const { text: t, work, random } = Laboratory;
            window.rebuilt ??= work.now(t.shakespeare(new random.Generator(1, 1)));
            return t.join(window.rebuilt);
        }"""
    )
    table = ngram.tiny_shakespeare(order)
    found = ngram.count(text, order)
    assert found.alphabet == table.alphabet
    assert (found.contexts == table.contexts).all()
    assert (found.counts != table.counts).nnz == 0
    if order < 5:  # the rows of order 5 are many megabytes
        rebuilt = NGRAM.replace('work.now(t.encode(text, "characters"))', "window.rebuilt")
        assert lab(rebuilt, ["", order]) == rows(table)


def test_packed_counts_are_those_of_the_library(lab):
    found = lab("() => Laboratory.text.unpack(Laboratory.shakespeare.grams)")
    alphabet, grams, counts = corpora.ngram_counts(5)
    assert lab("() => Laboratory.shakespeare.alphabet") == alphabet
    assert found["codes"] == grams.tolist()
    assert found["counts"] == counts.tolist()


def test_data_files_are_what_their_command_writes():
    for name, script in laboratory_data.scripts().items():
        assert (FOLDER / name).read_text("utf8") == script


WRITE = """
    ([text, order, length, seed]) => {
        const { text: t, work, random } = Laboratory;
        const model = work.now(t.train(work.now(t.encode(text, "characters")), order));
        return t.join(work.now(model.write(length, new random.Generator(seed))));
    }
"""


def test_a_model_writes_with_the_frequencies_of_its_text(lab):
    text = TEXTS["English"]
    written = lab(WRITE, [text, 1, 40_000, 1])
    assert written == lab(WRITE, [text, 1, 40_000, 1])
    table = rows(ngram.count(text, 1))
    seen = Counter(pairwise(written))
    for context, following in table.items():
        total = sum(seen[context, letter] for letter in following)
        chances = np.array([*following.values()]) / sum(following.values())
        assert total == sum(count for (first, _), count in seen.items() if first == context)
        if len(following) > 1 and (total * chances).min() > 5:
            counts = [seen[context, letter] for letter in following]
            assert stats.chisquare(counts, total * chances).pvalue > 1e-4


def test_a_model_of_order_5_writes_only_what_it_has_seen(lab):
    text = TEXTS["English"]
    written = lab(WRITE, [text, 5, 2000, 2])
    circle = text + text[:6]
    assert all(written[i : i + 6] in circle for i in range(1994))


COUNT = """
    ([text, unit]) => {
        const { names, counts } = Laboratory.work.now(Laboratory.text.count(text, unit));
        return [names, Array.from(counts)];
    }
"""


def words(text):
    """Return the words of a text: the definition in Python, as *Copy as Python* gives it."""
    spaced = re.sub(
        "([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])", r" \1 ", text.lower()
    )
    pieces = "".join(
        c if unicodedata.category(c)[0] in "LMN" or c in "'’" else " " for c in spaced
    ).split()
    return Counter(filter(None, (piece.strip("'’") for piece in pieces)))


@pytest.mark.parametrize("name", TEXTS)
def test_words_and_characters_of_any_script(lab, name):
    for unit, count in (("words", words), ("characters", Counter)):
        names, counts = lab(COUNT, [TEXTS[name], unit])
        wanted = count(TEXTS[name])
        assert dict(zip(names, counts, strict=True)) == wanted
        assert names == sorted(wanted, key=lambda token: (-wanted[token], token))


def test_no_word_is_cut_between_two_pieces(lab):
    rng = random.Random(1)
    text = " ".join("x" * rng.randint(1, 30) for _ in range(20_000))
    names, counts = lab(COUNT, [text, "words"])
    assert dict(zip(names, counts, strict=True)) == Counter(text.split())
    astral = "𠮷" * 50_001
    names, counts = lab(COUNT, [astral + "a", "characters"])
    assert dict(zip(names, counts, strict=True)) == {"𠮷": 50_001, "a": 1}


PROBLEM = """
    ([text, unit]) => {
        try { Laboratory.work.now(Laboratory.text.count(text, unit)); }
        catch (error) { return [error instanceof Laboratory.Problem, error.message]; }
    }
"""


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("", "words", "has no words"),
        ("... !", "words", "has no words"),
        ("again again", "words", "a single word"),
        ("aaaa", "characters", "a single character"),
    ],
)
def test_texts_with_nothing_to_lose(lab, text, unit, message):
    is_problem, found = lab(PROBLEM, [text, unit])
    assert is_problem
    assert message in found


DECODE = """
    (bytes) => {
        try { return Laboratory.work.now(Laboratory.text.decode(Uint8Array.from(bytes))); }
        catch (error) { return [error instanceof Laboratory.Problem, error.message]; }
    }
"""


def test_bytes_of_a_file(lab):
    text = "né 道\r\nنور\r😀" * 3
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert lab(DECODE, list(text.encode())) == wanted
    assert lab(DECODE, list(("\ufeff" + text).encode())) == wanted
    for binary in (
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"\xff\xfeh\x00",
        "né".encode("latin-1"),
        b"a\x00b",
    ):
        found = lab(DECODE, list(binary))
        assert found[0] is True
        assert "not UTF-8 text" in found[1]


# ---- settings, and what is taken along


def test_settings_survive_the_address(lab):
    chosen = {"source": "law", "support": 100, "collision": 0.05, "schedule": "window", "n": 500}
    chosen |= {
        "window": 7,
        "reuse": "yes",
        "temperature": 0.9,
        "runs": 3,
        "seed": 0,
        "speed": "all",
    }
    found = lab(
        """(chosen) => {
            const { state } = Laboratory;
            const hash = state.toHash({ ...state.defaults(), ...chosen });
            return [hash, state.fromHash("#" + hash), state.defaults()];
        }""",
        chosen,
    )
    assert found[1] == {"state": found[2] | chosen, "problems": []}
    assert "topK" not in found[0]


@pytest.mark.parametrize(
    ("hash_", "message"),
    [
        ("n=0", "Samples of a model, n must be a whole number from 1 to 100,000; it was “0”."),
        ("n=100001", "it was “100001”"),
        ("n=1.5", "must be a whole number"),
        ("n=many", "it was “many”"),
        ("temperature=-1", "Temperature must be a number from 0.05 to 10"),
        ("schedule=none", "Schedule must be one of"),
        ("runs=201", "from 1 to 200"),
    ],
)
def test_settings_out_of_range_leave_the_rest(lab, hash_, message):
    found = lab("(hash) => Laboratory.state.fromHash(hash)", f"#{hash_}&seed=5&unknown=1")
    assert message in found["problems"][0]
    assert len(found["problems"]) == 1
    assert found["state"] == lab("() => Laboratory.state.defaults()") | {"seed": 5}


SOURCES = {
    "letters": {"source": "letters"},
    "law": {"source": "law", "support": 20, "collision": 0.2},
    "uniform": {"source": "uniform", "support": 7},
    "two": {"source": "two", "share": 0.3},
    "words": {"source": "words"},
    "characters": {"source": "characters"},
}
SCHEDULES = {
    "alone": ({}, schedules.FullySynthetic(9)),
    "kept": ({"real": 8}, schedules.PartiallySynthetic(8, 9)),
    "fresh": ({"real": 8}, schedules.FreshReal(8, 9)),
    "window": ({"window": 4, "reuse": "yes"}, schedules.MostRecent(9, 4, kept=True)),
    "accumulating": ({"real": 8}, schedules.Accumulating(8, 9)),
    "random": ({"reuse": "no"}, schedules.RandomlySampled(9)),
}
PYTHON = """
    (chosen) => Laboratory.python.code({ ...Laboratory.state.defaults(), n: 9, runs: 4, ...chosen })
"""


def executed(lab, chosen, folder, monkeypatch):
    """Run the copied lines as they stand; return what they define."""
    monkeypatch.chdir(folder)
    (folder / "my_text.txt").write_text(TEXTS["English"], "utf8")
    defined = {}
    exec(lab(PYTHON, chosen), defined)
    return defined


@pytest.mark.parametrize("name", SOURCES)
def test_copied_lines_use_the_same_distribution(lab, name, tmp_path, monkeypatch):
    defined = executed(lab, SOURCES[name] | {"generations": 3}, tmp_path, monkeypatch)
    weights = lab(
        """([chosen, text]) => {
            const own = Laboratory.sources && Object.fromEntries(["words", "characters"].map(
                (unit) => [unit, Laboratory.work.now(Laboratory.text.count(text, unit))]));
            const state = { ...Laboratory.state.defaults(), ...chosen };
            return Array.from(Laboratory.sources.of(state, own).weights);
        }""",
        [SOURCES[name], TEXTS["English"]],
    )
    np.testing.assert_allclose(defined["p"], np.array(weights) / sum(weights), atol=1e-10)
    assert defined["variety"].shape == (4,)


@pytest.mark.parametrize("name", SCHEDULES)
def test_copied_lines_use_the_same_schedule(lab, name, tmp_path, monkeypatch):
    chosen = {"source": "two", "schedule": name, "generations": 5, "seed": 3} | SCHEDULES[name][0]
    seen = {}

    def simulate(p, schedule, **others):
        seen.update(others, schedule=schedule)
        return original(p, schedule, **others)

    original = recursion.simulate
    monkeypatch.setattr(recursion, "simulate", simulate)
    executed(lab, chosen, tmp_path, monkeypatch)
    assert seen == {
        "schedule": SCHEDULES[name][1],
        "generations": 5,
        "replicates": 4,
        "rng": 3,
    }


def test_copied_lines_use_the_same_steps(lab, tmp_path, monkeypatch):
    seen = {}

    def simulate(p, schedule, **others):
        seen.update(others)
        return original(p, schedule, **others)

    original = recursion.simulate
    monkeypatch.setattr(recursion, "simulate", simulate)
    chosen = {"source": "uniform", "support": 5, "temperature": 0.9, "topK": 4, "nucleus": 0.95}
    chosen |= {"minP": 0.1, "pass": 0.5, "right": 2, "pseudocounts": 3, "generations": 2}
    executed(lab, chosen, tmp_path, monkeypatch)
    assert seen["step"] == (
        steps.Temperature(0.9),
        steps.TopK(4),
        steps.Nucleus(0.95),
        steps.MinP(0.1),
        steps.Accept((1, 1, 0.5, 0.5, 0.5)),
    )
    assert seen["pseudocounts"] == 3


def test_data_is_what_was_recorded(lab):
    chosen = options("kept", runs=2, generations=5)
    text = lab(
        """([p, options]) => {
            const runs = new Laboratory.recursion.Runs(Float64Array.from(p), options);
            while (!runs.done) runs.advance();
            return Laboratory.Takeaway.csv(runs, Laboratory.exact.collision(options, 0.15, 12));
        }""",
        [LAW.tolist(), chosen],
    )
    head, *lines = text.strip().split("\n")
    assert head.split(",") == [
        "generation",
        "exact_variety",
        "mean_variety",
        "variety_1",
        "variety_2",
        "tokens_left_1",
        "tokens_left_2",
    ]
    table = np.array([[float(x) for x in line.split(",")] for line in lines])
    collision, support, _ = simulate(lab, LAW, chosen)
    np.testing.assert_allclose(table[:, 3:5], 1 - collision.T)
    np.testing.assert_allclose(table[:, 5:], support.T)
    np.testing.assert_allclose(table[:, 2], (1 - collision).mean(axis=0))


# ---- weight, and what the page needs

LIMIT = 150_000


def test_page_and_scripts_are_light():
    folder = SITE / "_static" / "laboratory"
    files = [path for path in folder.iterdir() if path.name != "shakespeare.js"]
    page = SITE / "book" / "laboratory.html"
    assert sum(path.stat().st_size for path in (*files, page)) < LIMIT
    assert {path.stem for path in files if path.suffix == ".js"} == {
        *laboratory.SCRIPTS,
        *laboratory.WHOLE,
        "laboratory",
    }


def test_light_scripts_keep_their_texts():
    script = """
  // A comment.
  const text = `two
    // lines
  `; // of text
    return text;
"""
    assert laboratory.light(script) == (
        "const text = `two\n    // lines\n  `; // of text\nreturn text;\n"
    )
    for path in FOLDER.glob("*.js"):
        assert path.read_text("utf8").count("`") % 2 == 0


def scripts_of(page):
    tags = BeautifulSoup(page.read_text("utf8"), "html.parser").select("script[src]")
    return re.findall(r"/laboratory/(\w+)\.js", " ".join(tag["src"] for tag in tags))


def test_pages_load_what_they_need():
    whole = scripts_of(SITE / "book" / "laboratory.html")
    assert whole == [*laboratory.SCRIPTS, *laboratory.WHOLE, "laboratory"]
    assert scripts_of(SITE / "book" / "intro.html") == [*laboratory.SCRIPTS, "laboratory"]
    assert scripts_of(SITE / "book" / "bibliography.html") == []


def test_a_comment_of_a_notebook_becomes_a_laboratory():
    page = BeautifulSoup((SITE / "book" / "intro.html").read_text("utf8"), "html.parser")
    box = page.select_one(".laboratory")
    assert box["data-size"] == "small"
    assert box["data-state"] == "n=200&real=200&generations=100&runs=1"
    assert box["data-controls"] == "schedule n speed"
    assert box["data-panels"] == ""
    assert "laboratory" in box["data-pages"].split()


def comment(text):
    document = new_document("page")
    document += nodes.comment(text, text)
    laboratory.read_comments(None, document)
    return document.children[0]


def test_comments_that_ask_for_no_laboratory_stay():
    assert isinstance(comment("a note"), nodes.comment)
    assert not comment("laboratory")["small"]
    asked = comment("laboratory | state: n=5&real=2 | controls: n | panels: variety")
    assert (asked["small"], asked["state"], asked["panels"]) == (True, "n=5&real=2", "variety")


def test_scripts_are_classic_and_ask_for_nothing():
    for path in FOLDER.glob("*.js"):
        if path.name == "shakespeare.js":
            continue
        script = path.read_text("utf8")
        assert not re.search(
            r"^\s*(import|export)\b|\bfetch\(|XMLHttpRequest|https?:(?!//www\.w3\.org/2000/svg)",
            script,
            re.M,
        )


def test_chi_square_tells_a_fair_sample_from_a_shifted_one():
    rng = np.random.default_rng(1)
    assert chi_square(rng.binomial(50, 0.3, 20_000), 50, 0.3) > 0.001
    assert chi_square(rng.binomial(50, 0.31, 20_000), 50, 0.3) < 1e-6
