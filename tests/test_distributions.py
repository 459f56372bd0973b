import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from collapse_lib import distributions


@st.composite
def power_laws(draw):
    support = draw(st.integers(2, 80))
    size = support + draw(st.integers(0, 20))
    # From uniform to nearly all mass on the first token.
    share = draw(st.floats(0, 0.999))
    return size, support, 1 / support + share * (1 - 1 / support)


@given(power_laws())
def test_power_law_has_what_was_asked_for(arguments):
    size, support, collision = arguments
    p = distributions.power_law(size, support, collision)
    assert p.shape == (size,)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert distributions.collision_probability(p) == pytest.approx(collision, abs=1e-10)
    assert (p[support:] == 0).all()
    assert (np.diff(p[:support]) <= 0).all()
    assert (p[:support] > 0).all()


def test_power_law_is_a_power_of_the_rank():
    p = distributions.power_law(600, 52, 0.1)[:52]
    exponent = -np.log(p[1:] / p[0]) / np.log(np.arange(2, 53))
    np.testing.assert_allclose(exponent, exponent[0], rtol=1e-10)


def test_power_law_at_the_uniform_end():
    np.testing.assert_array_equal(distributions.power_law(5, 3, 1 / 3), distributions.uniform(5, 3))
    np.testing.assert_array_equal(distributions.power_law(4, 1, 1), [1, 0, 0, 0])


def test_power_law_at_the_other_end():
    collision = np.nextafter(1, 0)
    p = distributions.power_law(3, 2, collision)
    assert distributions.collision_probability(p) >= collision
    assert (p[:2] > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 0.5), "size must be an integer of at least 1, got 0"),
        ((3, 0, 0.5), "support must be an integer of at least 1, got 0"),
        ((3, 2.0, 0.5), "support must be an integer of at least 1, got 2.0"),
        ((3, 4, 0.5), "support must be at most size 3, got 4"),
        ((3, 3, 0.2), "collision must be from 1/3 to below 1 for support 3, got 0.2"),
        ((3, 3, 1.0), "collision must be from 1/3 to below 1 for support 3, got 1.0"),
        ((3, 3, 1.5), "collision must be a number from 0 to 1, got 1.5"),
        ((3, 3, np.nan), "collision must be a number from 0 to 1, got nan"),
        ((3, 1, 0.5), "collision must be exactly 1 for support 1, got 0.5"),
    ],
)
def test_power_law_refuses_the_impossible(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        distributions.power_law(*arguments)


def test_uniform_and_dirichlet():
    np.testing.assert_array_equal(distributions.uniform(4, 2), [0.5, 0.5, 0, 0])
    first = distributions.dirichlet(50, 0.2, rng=3)
    np.testing.assert_array_equal(first, distributions.dirichlet(50, 0.2, np.random.default_rng(3)))
    assert first.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="support must be at most size 2, got 3"):
        distributions.uniform(2, 3)
    with pytest.raises(ValueError, match="concentration must be a finite number above 0, got 0"):
        distributions.dirichlet(3, 0, rng=0)
    with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator or"):
        distributions.dirichlet(3, 1, rng="seed")
    with pytest.raises(ValueError, match=r"rng must be .* of at least 0, got -1"):
        distributions.dirichlet(3, 1, rng=-1)


def test_dirichlet_has_the_mean_and_variance_of_its_definition():
    rng = np.random.default_rng(8)
    draws = np.array([distributions.dirichlet(4, 0.5, rng)[0] for _ in range(4000)])
    variance = (1 / 4) * (3 / 4) / (4 * 0.5 + 1)
    assert abs(draws.mean() - 1 / 4) < 4 * np.sqrt(variance / draws.size)
    # The fourth moment of a number in [0, 1] is at most the second: a bound on the error.
    assert abs(draws.var() - variance) < 4 * np.sqrt(variance / draws.size)
    assert abs(draws.var() - (1 / 4) * (3 / 4) / 5) > 4 * np.sqrt(variance / draws.size)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_measures_on_random_distributions(seed, size):
    p, q = np.random.default_rng(seed).dirichlet(np.full(size, 0.3), size=2)
    assert distributions.collision_probability(p) == pytest.approx(sum(x * x for x in p))
    assert 1 / distributions.support_size(p) <= distributions.collision_probability(p) + 1e-12
    assert distributions.l1_distance(p, q) == pytest.approx(sum(map(abs, p - q)))
    assert 0 <= distributions.l1_distance(p, q) <= 2 + 1e-12
    assert distributions.entropy(p) == pytest.approx(scipy_entropy(p))


def test_measures_run_along_an_axis():
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3))
    turned = np.moveaxis(p, -1, 0)
    for measure in (
        distributions.collision_probability,
        distributions.support_size,
        distributions.entropy,
    ):
        assert measure(p).shape == (2, 3)
        np.testing.assert_allclose(measure(turned, axis=0), measure(p))
    np.testing.assert_allclose(
        distributions.l1_distance(p, p[:1]),
        distributions.l1_distance(turned, turned[:, :1], axis=0),
    )


BAD_DISTRIBUTIONS = [
    ([0.5, 0.6, -0.1], "p must not be negative, got a smallest entry of -0.1"),
    ([0.5, np.nan], "p must not contain NaN, got 1 of 2"),
    ([0.5, 0.5 + 2e-9], "p must sum to 1 within 1e-09, got a sum of 1.000000002"),
    ([[0.5, 0.5], [0.5, 0.4]], "p must sum to 1 within 1e-09, got a sum of 0.9"),
    ([0.5, np.inf], "p must sum to 1 within 1e-09, got a sum of inf"),
    ([], "p must have at least one token, got shape (0,)"),
    (0.5, "p must have an axis -1, got shape ()"),
    (["a"], "p must be an array of numbers, got ['a']"),
]


@pytest.mark.parametrize(("p", "message"), BAD_DISTRIBUTIONS)
@pytest.mark.parametrize(
    "measure",
    [
        distributions.collision_probability,
        distributions.support_size,
        distributions.entropy,
        lambda p: distributions.l1_distance(p, p),
    ],
)
def test_measures_refuse_what_is_no_distribution(measure, p, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(p)


def test_a_sum_within_the_tolerance_passes():
    assert distributions.support_size([0.5, 0.5 + 5e-10]) == 2


def test_distances_need_shapes_that_fit():
    with pytest.raises(ValueError, match="q must have as many tokens as p, 2, got 3"):
        distributions.l1_distance([0.5, 0.5], [0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match=re.escape("q must have a shape that fits (2, 2)")):
        distributions.l1_distance([[0.5, 0.5]] * 2, [[0.5, 0.5]] * 3)


@pytest.mark.parametrize("p", [["0.5", "0.5"], [0.5 + 0j, 0.5], [[0.5], [0.5, 0.5]], ["half", 0.5]])
def test_what_is_no_array_of_real_numbers_is_refused(p):
    with pytest.raises(ValueError, match="p must be an array of numbers, got "):
        distributions.collision_probability(p)
