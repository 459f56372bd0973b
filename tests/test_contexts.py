import re
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from collapse_lib import contexts, markov, ngram
from tests.verification import forward

rows = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(any), min_size=1)


def absorbed(row, generations):
    """Return P(T <= m), m = 1, 2, ..., by powers of the whole chain, in fractions."""
    n = sum(row)
    if max(row) == n:
        return [1.0] * generations
    chain = markov.AbsorbingChain([Fraction(c, n) for c in row], n)
    law, found = chain.start, []
    for _ in range(generations):
        found.append(float(sum(law[chain.transient :])))
        law = law @ chain.transition_matrix
    return found


@settings(deadline=None, max_examples=20)
@given(rows)
def test_it_puts_the_distributions_of_all_contexts_together(table):
    found = contexts.collapse(table, generations=6)
    each = np.array([absorbed(row, 6) for row in table])
    np.testing.assert_allclose(found.expected[1:], each.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.exp(found.log_all[1:]), each.prod(axis=0), rtol=1e-11)
    dirac = sum(max(row) == sum(row) for row in table)
    assert found.expected[0] == dirac
    assert found.log_all[0] == (0 if dirac == len(table) else -inf)


def test_it_is_what_an_artificial_corpus_does():
    """4000 contexts, resampled in each generation, against the exact distribution."""
    rng = np.random.default_rng(3)
    counts = contexts.zipf_counts(contexts.zipf_sizes(range(1, 4001), 4000, 60), 500, rng)
    expected = contexts.collapse(counts, 20).expected / 4000
    table = ngram.Table(1, "?" * 500, np.arange(4000), counts)
    for m in range(1, 21):
        table = ngram.resample(table, rng)
        seen = np.mean(np.diff(table.counts.indptr) == 1)
        error = np.sqrt(expected[m] * (1 - expected[m]) / 4000)
        assert abs(seen - expected[m]) < 4.5 * error
    independent = 1 - (1 - expected[1]) ** 20  # as if each generation began at the real data
    assert abs(seen - independent) > 4.5 * error


@pytest.mark.parametrize("size", [5, 40])
def test_one_context_is_that_of_the_simulation(size):
    counts = contexts.zipf_counts([size], tokens=30, rng=1)
    p = counts.toarray()[0] / size
    times = forward.collapse_times(p, size, 20_000, rng=2)
    law = contexts.collapse(counts, 100).expected
    for m in (1, 3, 10, 30, 100):
        error = np.sqrt(law[m] * (1 - law[m]) / times.size)
        assert abs(np.mean(times <= m) - law[m]) < 4.5 * error + 1e-9


def test_tokens_follow_the_power_laws_of_their_contexts():
    """Each exponent is equally likely, so the counts follow the mean of the power laws."""
    drawn = contexts.zipf_counts([5] * 40_000, tokens=8, rng=5).sum(axis=0)
    laws = np.arange(1.0, 9) ** -np.array(contexts.EXPONENTS)[:, None]
    laws /= laws.sum(axis=1, keepdims=True)
    mean = laws.mean(axis=0)
    # 40,000 independent contexts of 5 samples each, which share an exponent
    variance = 5 * (laws * (1 - laws)).mean(axis=0) + 25 * laws.var(axis=0)
    error = np.sqrt(40_000 * variance)
    assert (abs(drawn - 200_000 * mean) < 4.5 * error).all()
    assert (abs(drawn - 200_000 * laws[1]) > 4.5 * error).any()


def test_sizes_follow_zipf_and_mandelbrot():
    sizes = contexts.zipf_sizes(range(1, 1_000_001), 1_000_000, 1000)
    assert (sizes[0], sizes[-1]) == (1000, 1)
    assert (np.diff(sizes) <= 0).all()
    far = np.arange(20_000, 60_000)
    slope = np.polyfit(np.log(far), np.log(sizes[far - 1]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)


def test_tasks_cover_every_context_once():
    total = sum(
        contexts.zipf_task(np.random.default_rng(0), first, 7, 500, 20, 40, 1)["contexts"]
        for first in range(1, 8)
    )
    assert total == 500


def test_sparse_tables_need_not_be_tidy():
    twice = csr_array(([1, 2, 0], ([0, 0, 0], [1, 1, 0])), shape=(1, 2))
    assert contexts.collapse(twice, 2).expected.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contexts.collapse([[0.5, 0.5]], 3), "counts must be a table of integers"),
        (lambda: contexts.collapse([1, 2], 3), "counts must be a table of integers"),
        (lambda: contexts.collapse([[2, -1]], 3), "counts must not be negative, got -1"),
        (
            lambda: contexts.collapse([[2, 1], [0, 0]], 3),
            "counts must have a sample in every context, got none in row 1",
        ),
        (lambda: contexts.collapse([[2, 1]], -1), "generations must be an integer of at least 0"),
        (
            lambda: contexts.zipf_sizes([1], 100, 100),
            "contexts must be more than largest = 100, got 100",
        ),
        (lambda: contexts.zipf_sizes([0], 100, 9), "ranks must hold integers of at least 1, got 0"),
        (
            lambda: contexts.zipf_sizes([1, 101], 100, 9),
            "ranks must be at most contexts = 100, got 101",
        ),
        (lambda: contexts.zipf_sizes([1], 100, 1), "largest must be an integer of at least 2"),
        (lambda: contexts.zipf_counts([0], 9, 1), "sizes must hold integers of at least 1, got 0"),
        (
            lambda: contexts.zipf_task(1, 0, 1, 100, 9, 9, 2),
            "first must be an integer of at least 1, got 0",
        ),
        (
            lambda: contexts.zipf_task(1, 101, 1, 100, 9, 9, 2),
            "first must be an integer of at most 100, got 101",
        ),
        (
            lambda: contexts.zipf_task(1, 1, 0, 100, 9, 9, 2),
            "step must be an integer of at least 1, got 0",
        ),
        (
            lambda: contexts.zipf_task(1, 1, 1, 1.5, 9, 9, 2),
            "contexts must be an integer of at least 1, got 1.5",
        ),
        (lambda: contexts.zipf_counts([3], 1, 1), "tokens must be an integer of at least 2, got 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
