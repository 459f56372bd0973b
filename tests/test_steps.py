"""What defines each step, in NumPy and PyTorch, and what is refused."""

import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from collapse_lib import steps

weights = arrays(float, st.integers(1, 12), elements=st.sampled_from([0, 1, 2, 3, 5, 8, 13, 0.25]))
distributions = weights.filter(lambda w: w.sum() > 0).map(lambda w: w / w.sum())
temperatures = st.sampled_from([0.2, 0.5, 0.8, 1, 1.3, 4])
shares = st.floats(0.01, 1)
EVERY = [
    steps.Temperature(0.7),
    steps.Temperature(3),
    steps.TopK(3),
    steps.Nucleus(0.8),
    steps.MinP(0.3),
    steps.Accept([1, 0.5, 0, 0.3, 1, 0.9, 0.2]),
    (steps.TopK(5), steps.Temperature(0.5), steps.Nucleus(0.9)),
]


@pytest.mark.parametrize("step", EVERY, ids=repr)
def test_numpy_and_torch_agree(step):
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(7, 0.4), (4, 5))
    found = steps.apply(step, p)
    assert found.shape == p.shape
    np.testing.assert_allclose(found.sum(axis=-1), 1)
    assert (found >= 0).all()
    np.testing.assert_allclose(steps.apply(step, torch.tensor(p)).numpy(), found, atol=1e-14)
    single = steps.apply(step, torch.tensor(p, dtype=torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), found, atol=1e-5)


@given(distributions, st.integers(1, 14))
def test_top_k_keeps_the_likeliest_the_lower_index_first(p, k):
    order = sorted(range(p.size), key=lambda i: (-p[i], i))[:k]
    kept = np.where(np.isin(np.arange(p.size), order), p, 0)
    found = steps.TopK(k).apply(p)
    np.testing.assert_allclose(found, kept / kept.sum())
    np.testing.assert_allclose(steps.TopK(k).apply(found), found)


@given(distributions, shares)
def test_nucleus_keeps_the_least_set_of_its_mass(p, mass):
    found = steps.Nucleus(mass).apply(p)
    kept = found > 0
    near = 1e-12
    assert p[kept].sum() >= mass - near
    assert p[kept].sum() - p[kept].min() < mass - near or kept.sum() == 1 or mass == 1
    left_out = p[~kept & (p > 0)]
    assert not left_out.size or left_out.max() <= p[kept].min()
    np.testing.assert_allclose(found[kept], p[kept] / p[kept].sum())
    ties = np.flatnonzero(np.isclose(p, p[kept].min(), atol=0))
    assert (np.diff(kept[ties].astype(int)) <= 0).all()


def test_nucleus_repeats_until_every_token_is_above_what_is_left_out():
    p = np.full(30, 1 / 30)
    for _ in range(20):
        p = steps.Nucleus(0.9).apply(p)
    assert np.count_nonzero(p) == 9
    assert (p[p > 0] > 0.1).all()
    assert np.count_nonzero(steps.Nucleus(0.9).apply(np.array([0.5, 0.4, 0.1]))) == 2
    assert np.count_nonzero(steps.Nucleus(1e-9).apply(np.full(5, 0.2, dtype=np.float32))) == 1


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12).filter(any),
    st.fractions(0, 1, max_denominator=60),
)
@example([1, 10, 1], Fraction(1, 10))
@example([11, 55, 34], Fraction(1, 5))
def test_min_p_keeps_what_is_near_the_likeliest(counts, ratio):
    """By whole numbers, which know exactly what is `ratio` times as likely."""
    near = [k if k >= ratio * max(counts) else 0 for k in counts]
    p, step = np.array(counts) / sum(counts), steps.MinP(float(ratio))
    found = step.apply(p)
    np.testing.assert_allclose(found, np.array(near) / sum(near))
    np.testing.assert_allclose(step.apply(found), found)
    single = step.apply(torch.tensor(p, dtype=torch.float32)).numpy()
    assert ((single > 0) == (found > 0)).all()


def test_min_p_tells_apart_what_differs_by_more_than_rounding():
    p = np.array([0.2 * (1 - 1e-13), 1, 0.2]) / (1.4 - 2e-14)
    assert (steps.MinP(0.2).apply(p) > 0).tolist() == [False, True, True]


@given(distributions, temperatures, temperatures)
def test_temperatures_compose_by_their_product(p, one, other):
    both = steps.apply((steps.Temperature(one), steps.Temperature(other)), p)
    np.testing.assert_allclose(both, steps.Temperature(one * other).apply(p), atol=1e-9)
    np.testing.assert_allclose(steps.Temperature(1).apply(p), p, atol=1e-12)
    assert ((both > 0) <= (p > 0)).all()


def test_low_temperatures_do_not_underflow():
    found = steps.Temperature(1e-4).apply(np.array([1e-9, 0.6, 0.4 - 1e-9]))
    np.testing.assert_allclose(found, [0, 1, 0])


@given(distributions, st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_verifier_conditions_and_does_so_once(p, right):
    f = np.array(right[: p.size], dtype=float)
    if not (f * p).any():
        return
    found = steps.Accept(f).apply(p)
    np.testing.assert_allclose(found, f * p / (f * p).sum())
    np.testing.assert_allclose(steps.Accept(f).apply(found), found)


def test_a_noisy_filter_multiplies_odds_each_time():
    p, f = np.array([0.2, 0.5, 0.3]), np.array([1, 0.5, 0.25])
    twice = steps.apply((steps.Accept(f), steps.Accept(f)), p)
    np.testing.assert_allclose(twice, f**2 * p / (f**2 * p).sum())


def test_order_matters_and_no_step_is_none():
    p = np.array([0.4, 0.35, 0.25])
    cold, most = steps.Temperature(0.5), steps.Nucleus(0.8)
    assert np.count_nonzero(steps.apply((cold, most), p)) == 2
    assert np.count_nonzero(steps.apply((most, cold), p)) == 3
    assert steps.apply(None, p) is p
    assert steps.apply((), p) is p


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: steps.Temperature(0), "tau must be a finite number above 0, got 0"),
        (lambda: steps.Temperature(np.inf), "tau must be a finite number above 0, got inf"),
        (lambda: steps.Temperature("1"), "tau must be a finite number above 0, got '1'"),
        (lambda: steps.TopK(0), "k must be an integer of at least 1, got 0"),
        (lambda: steps.TopK(2.0), "k must be an integer of at least 1, got 2.0"),
        (lambda: steps.Nucleus(0), "mass must be above 0, got 0"),
        (lambda: steps.Nucleus(1.2), "mass must be a number from 0 to 1, got 1.2"),
        (lambda: steps.MinP(-0.1), "ratio must be a number from 0 to 1, got -0.1"),
        (
            lambda: steps.Accept([2, 1]),
            "probabilities must hold numbers from 0 to 1, got [2, 1]",
        ),
        (lambda: steps.Accept([0, 0]), "probabilities must have shape (tokens,) and not be all 0"),
        (lambda: steps.Accept(0.5), "probabilities must have shape (tokens,) and not be all 0"),
        (lambda: steps.Accept([1, 0]).apply(np.array([0.0, 1.0])), "p must have a token that the"),
        (lambda: steps.Accept([1, 0]).apply(np.ones(3) / 3), "p must have the 2 tokens of the"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
