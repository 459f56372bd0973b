"""The distance from the first model and from the truth, against all outcomes and simulation."""

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import distributions, recursion, symbolic, theory
from collapse_lib.schedules import PartiallySynthetic
from tests.verification import enumeration

CASES = [
    ([(3, 5), (3, 10), (1, 10)], 4, 6, 3),
    ([(1, 3), (2, 3)], 1, 2, 4),
    ([(1, 3), (2, 3)], 5, 1, 4),
    ([(1, 2), (1, 2)], 3, 3, 5),
    ([(1, 4), (3, 4)], 2, 9, 3),
    ([(1, 7), (0, 1), (6, 7)], 3, 2, 3),
]


def distance(p, q):
    return sum(abs(x - y) for x, y in zip(p, q, strict=True))


def squared(p, q):
    return sum((x - y) ** 2 for x, y in zip(p, q, strict=True))


def split(p):
    """Return pi_p from all attainable sums."""
    sums = {Fraction(0)}
    for x in p:
        sums |= {y + x for y in sums}
    return max(min(x, 1 - x) for x in sums)


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    p, real, synthetic, generations = request.param
    p = [Fraction(*entry) for entry in p]
    return p, real, synthetic, enumeration.partially_synthetic(p, real, synthetic, generations)


def test_deviation_from_the_truth_is_the_mean_over_all_outcomes(case):
    p, real, synthetic, laws = case
    for m, law in enumerate(laws, start=1):
        listed = enumeration.mean(law, lambda state: squared(state[1], p))
        assert theory.squared_deviation_from_truth(m, real, synthetic, p) == listed


def test_deviation_with_fresh_real_data_is_the_mean_over_all_outcomes(case):
    p, real, synthetic, _ = case
    fresh = enumeration.partially_synthetic(p, real, synthetic, 2, kept=False)
    for m, law in enumerate(fresh, start=1):
        listed = enumeration.mean(law, lambda state: squared(state[1], p))
        assert theory.squared_deviation_fresh(m, real, synthetic, p) == listed
        kept = theory.squared_deviation_from_truth(m, real, synthetic, p)
        assert listed < kept if m > 1 else listed == kept  # the two readings are told apart


def given_corpus(law):
    """Return the possible corpora, each with the distribution of the last model given it."""
    split_up = defaultdict(dict)
    for (first, model), weight in law.items():
        split_up[first][model] = weight
    for first, models in split_up.items():
        total = sum(models.values())
        if total:
            yield first, {model: weight / total for model, weight in models.items()}


def test_given_the_corpus_deviation_and_mean_are_exact(case):
    _, real, synthetic, laws = case
    value = symbolic.squared_deviation_given_corpus()
    sizes = {symbolic.N: real, symbolic.n: synthetic}
    factor = symbolic.decay().subs(sizes)
    for m, law in enumerate(laws, start=1):
        power = sp.Integer(1) if m == 1 else factor ** (m - 1)
        at_m = value.subs(symbolic.beta ** (symbolic.m - 1), power).subs(sizes)
        for first, models in given_corpus(law):
            for token, x in enumerate(first):
                mean = enumeration.mean(models, lambda model, i=token: model[i])
                listed = enumeration.mean(models, lambda model, i=token, x=x: (model[i] - x) ** 2)
                assert mean == x
                assert at_m.subs(symbolic.first, sp.Rational(str(x))) == sp.Rational(str(listed))


@pytest.mark.paper("Theorem 3", "(16)", check="independent")
def test_every_bound_holds_over_all_outcomes(case):
    p, real, synthetic, laws = case
    floats = [float(x) for x in p]
    support = sum(x > 0 for x in p)
    mean_product = enumeration.mean(laws[0], lambda state: split(state[0]) * (1 - split(state[0])))
    before = 0
    for m, law in enumerate(laws, start=1):
        listed = enumeration.mean(law, lambda state: distance(*state))
        assert listed >= before  # it never decreases
        before = listed
        sharp = theory.deviation_bound_sharp(m, real, synthetic, floats)
        assert listed <= sharp * (1 + 1e-12)
        if m == 1:
            assert listed == sharp == 0
            continue
        assert listed < theory.deviation_bound(real, synthetic, support)
        by_split = theory.deviation_bound_split(real, synthetic, support, float(mean_product))
        assert sharp <= by_split
        assert listed < Fraction(2 * synthetic, real)
        assert float(listed) < math.sqrt(synthetic * (support - 1)) / real
        assert listed >= lower_bound(laws[0], synthetic, real)
        for first, models in given_corpus(law):
            near = enumeration.mean(models, lambda model, first=first: distance(model, first))
            bound = theory.deviation_bound_given_corpus(m, real, synthetic, np.array(first, float))
            assert near <= bound + 1e-12


def lower_bound(corpora, synthetic, real):
    """Return alpha E sum_i |Bin(n, p_i^(1))/n - p_i^(1)|, by summing over all samples."""
    total = sum(
        weight * probability * distance(counts, [synthetic * x for x in first]) / synthetic
        for (first, _), weight in corpora.items()
        for counts, probability in enumeration.outcomes(first, synthetic)
    )
    return total * Fraction(synthetic, real + synthetic)


@pytest.mark.paper("Theorem 3", check="independent")
@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=3),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(2, 3),
)
def test_no_bound_is_below_the_exact_value(numbers, real, synthetic, generations):
    p = [Fraction(number, sum(numbers)) for number in numbers]
    law = enumeration.partially_synthetic(p, real, synthetic, generations)[-1]
    listed = float(enumeration.mean(law, lambda state: distance(*state)))
    sharp = theory.deviation_bound_sharp(generations, real, synthetic, np.array(p, float))
    s0 = float(enumeration.collision(p))
    assert listed <= sharp + 1e-12
    assert sharp <= math.sqrt(len(p) * (1 - s0) / (2 * real)) + 1e-12
    assert listed < theory.deviation_bound(real, synthetic, len(p))


def models_of_generation_2(p, real, synthetic):
    return enumeration.partially_synthetic(p, real, synthetic, 2)


def test_first_inequality_in_the_proof_of_theorem_4_is_false():
    """E[lambda_2] against what the proof claims to bound it, N = 7, n = 1, five equal tokens."""
    first, second = models_of_generation_2([Fraction(1, 5)] * 5, 7, 1)
    after = enumeration.mean(second, lambda state: split(state[1]) * (1 - split(state[1])))
    before = enumeration.mean(first, lambda state: split(state[1]) * (1 - split(state[1])))
    claimed = Fraction(1, 4) - (Fraction(1, 4) - before) * Fraction(7, 8) ** 2
    assert (after, claimed) == (Fraction(15411, 62500), Fraction(980967, 4_000_000))
    assert after > claimed
    line_above = (49 * before + 7 + Fraction(1, 4)) / 64
    half = (49 * before + Fraction(7, 2) + Fraction(1, 4)) / 64
    assert after <= line_above  # what precedes it is true
    assert claimed == half  # the printed equality would need Nn/2 in the place of Nn
    assert theory.zeta(7, 1, float(before)) == pytest.approx(float(2 * claimed))


@pytest.mark.paper("(16)", check="independent")
def test_second_inequality_in_the_proof_of_theorem_4_is_false():
    """E[pi_2] against zeta, for N = 3, n = 1 and 16 equal tokens."""
    first, second = models_of_generation_2([Fraction(1, 16)] * 16, 3, 1)
    before = enumeration.mean(first, lambda state: split(state[1]) * (1 - split(state[1])))
    after = enumeration.mean(second, lambda state: split(state[1]))
    value = Fraction(1, 2) - (Fraction(1, 2) - 2 * before) * Fraction(3, 4) ** 2
    assert (after, value) == (Fraction(15, 32), Fraction(479, 1024))
    assert after > value
    # The statement (16) holds there, as everywhere.
    listed = enumeration.mean(second, lambda state: distance(*state))
    assert listed < theory.deviation_bound_split(3, 1, 16, float(before))


def test_second_derivation_of_the_deviation_by_sizes_of_steps():
    """E ||p^(m) - p^(1)||_2^2 once more: the noise of every generation, damped and added up.

    p^(m+1) - p^(1) = alpha (noise of the n samples + p^(m) - p^(1)), and the noise has mean 0
    given the past, so that the variances add up: sum_j alpha^(2(m-j)) E[1 - sigma_j] / n, over
    j = 1, ..., m - 1. E[sigma_j] = S_1 + what has been summed up to generation j.
    """
    for real, synthetic, s0 in ((4, 6, Fraction(46, 100)), (1, 3, Fraction(1, 3)), (9, 2, 0)):
        s0 = Fraction(s0)
        alpha = Fraction(synthetic, real + synthetic)
        first = Fraction(1, real) + (1 - Fraction(1, real)) * s0
        found = [Fraction(0)]
        for m in range(2, 8):
            noise = [(1 - first - found[j - 1]) / synthetic for j in range(1, m)]
            found.append(sum(alpha ** (2 * (m - j)) * noise[j - 1] for j in range(1, m)))
        for m, value in enumerate(found, start=1):
            whole = theory.expected_collision_mixed(m, real, synthetic, s0)
            assert whole - first == value


GRID = [(100, 1), (100, 10), (100, 100), (100, 1000), (20, 10), (20, 400)]


@pytest.mark.parametrize(("real", "synthetic"), GRID, ids=str)
def test_simulation_follows_the_exact_deviation_and_stays_near_the_sharp_bound(real, synthetic):
    p = distributions.power_law(60, 52, 0.1)
    schedule, generations, replicates = PartiallySynthetic(real, synthetic), 50, 300
    rngs = np.random.default_rng(real + synthetic).spawn(replicates)
    paths = np.array([recursion.sample_path(p, schedule, generations, rng) for rng in rngs])
    for m in (1, 2, 50):
        near = np.abs(paths[:, m] - paths[:, 1]).sum(axis=1)
        squares = ((paths[:, m] - paths[:, 1]) ** 2).sum(axis=1)
        sharp = theory.deviation_bound_sharp(m, real, synthetic, p)
        exact = theory.squared_deviation(m, real, synthetic, p)
        assert_mean(squares, exact)
        assert_mean(((paths[:, m] - p) ** 2).sum(axis=1), exact + 0.9 / real)
        if m == 1:
            assert sharp == near.max() == 0
            continue
        assert near.mean() <= sharp
        if real == 100:  # a corpus that lacks most of the tokens is further from the bound
            assert sharp <= (4 if synthetic == 1 else 2) * near.mean()
        assert not is_mean(squares, 1.3 * exact)


def assert_mean(sample, expected):
    assert is_mean(sample, expected)


def is_mean(sample, expected):
    """Return whether the mean is as expected, within 4.5 standard errors."""
    error = sample.std(ddof=1) / math.sqrt(sample.size)
    return abs(sample.mean() - expected) <= 4.5 * error + 1e-15


def test_the_bound_overshoots_by_sqrt_pi_half_where_samples_are_many():
    """With many samples the deviations are normal, whose mean size is sqrt(2/pi) of their root
    mean square.
    """
    p = np.array([0.4, 0.3, 0.2, 0.1])
    runs = recursion.simulate(p, PartiallySynthetic(20_000, 20_000), 20, 2000, rng=4)
    sample = runs.l1_from_first[:, 20]
    sharp = theory.deviation_bound_sharp(20, 20_000, 20_000, p)
    assert is_mean(sample, sharp / math.sqrt(math.pi / 2))
    assert not is_mean(sample, sharp)
    assert not is_mean(sample, sharp / 1.1)


def test_symbolic_and_theory_agree_on_deviations_and_limits():
    N, n, m, beta = symbolic.N, symbolic.n, symbolic.m, symbolic.beta
    half = [Fraction(1, 2)] * 2
    truth, fresh = symbolic.squared_deviation_from_truth(), symbolic.squared_deviation_fresh()
    for real, synthetic, generation in ((3, 4, 2), (10, 7, 5), (2, 1, 1)):
        sizes = {N: real, n: synthetic}
        power = symbolic.decay().subs(sizes) ** (generation - 1) if generation > 1 else 1
        for (expression, _), formula in (
            (truth, theory.squared_deviation_from_truth),
            (fresh, theory.squared_deviation_fresh),
        ):
            value = expression.subs(beta ** (m - 1), power).subs(sizes).subs(symbolic.p, 1)
            slope = sp.diff(expression, symbolic.p).subs(symbolic.p, 0)
            found = slope.subs(beta ** (m - 1), power).subs(sizes)
            assert sp.simplify(value) == 0  # p (1 - p) times what follows
            expected = 2 * formula(generation, real, synthetic, half)  # 1 - S_0 is 1/2
            assert sp.simplify(found - sp.Rational(str(expected))) == 0
    fixed, settled = symbolic.large_n_limits()
    values = {N: 10, symbolic.S0: sp.Rational(1, 10)}
    assert theory.expected_collision_mixed(5, 10, 10**12, 0.1) == pytest.approx(
        float(fixed.subs(values)), abs=1e-9
    )
    assert theory.expected_collision_mixed(10**9, 10, 10**5, 0.1) == pytest.approx(
        float(settled.subs(values)), abs=1e-4
    )
