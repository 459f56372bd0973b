import re

import pytest
import sympy as sp

from collapse_lib import symbolic


def test_second_moment_is_that_of_sympys_own_binomial_distribution():
    from sympy.stats import Binomial, E

    for size in (1, 2, 5):
        count = Binomial("X", size, symbolic.x)
        expected = sp.expand(E(count**2) / size**2)
        found = symbolic.binomial_second_moment().subs(symbolic.n, size)
        assert sp.simplify(expected - found) == 0


@pytest.mark.paper("(6)", "(14)", check="symbolic")
def test_recursion_and_solution_fit_together():
    recursion, solution = symbolic.collision_recursion(), symbolic.expected_collision()
    values = [symbolic.S0]
    for m in range(4):
        after = recursion.rhs.subs({symbolic.S(symbolic.m): values[m], symbolic.m: m})
        values.append(sp.expand(after))
    for m, value in enumerate(values):
        assert sp.expand(solution.subs(symbolic.m, m) - value) == 0


# A moment that forgets that a sample collides with itself, and one that counts it twice.
@pytest.mark.paper("(6)", "(14)", check="symbolic")
@pytest.mark.parametrize("wrong", [symbolic.x**2, symbolic.x / symbolic.n + symbolic.x**2])
def test_a_wrong_moment_ends_in_an_error(wrong, monkeypatch):
    monkeypatch.setattr(symbolic.fully_synthetic, "binomial_second_moment", lambda: wrong)
    with pytest.raises(symbolic.DerivationError, match="the recursion differ"):
        symbolic.expected_collision()


def test_a_cubic_moment_is_no_recursion_for_the_collision_probability(monkeypatch):
    monkeypatch.setattr(symbolic.fully_synthetic, "binomial_second_moment", lambda: symbolic.x**3)
    with pytest.raises(symbolic.DerivationError, match="as a polynomial differ"):
        symbolic.collision_recursion()


def test_a_wrong_decay_is_not_the_papers(monkeypatch):
    module = symbolic.partially_synthetic
    monkeypatch.setattr(module, "alpha", symbolic.n / (symbolic.N + 2 * symbolic.n))
    with pytest.raises(symbolic.DerivationError, match="beta and the paper's differ"):
        symbolic.decay()


@pytest.mark.paper("(9)", check="symbolic")
def test_the_printed_sign_is_refused_as_the_derived_one(monkeypatch):
    module = symbolic.partially_synthetic
    printed = module.theorem_2
    monkeypatch.setattr(module, "theorem_2", lambda sign: printed(-sign))
    with pytest.raises(symbolic.DerivationError, match="the derived and the corrected"):
        symbolic.expected_collision_mixed()


def test_a_wrong_moment_is_noticed_in_every_deviation(monkeypatch):
    """With x^2 for the second moment a sample would not collide with itself."""
    monkeypatch.setattr(symbolic.deviation, "binomial_second_moment", lambda: symbolic.x**2)
    for derive in (
        symbolic.squared_deviation_given_corpus,
        symbolic.squared_deviation_fresh,
    ):
        with pytest.raises(symbolic.DerivationError, match="factor of D"):
            derive()


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        (symbolic.squared_deviation_given_corpus, "the recursion and its solution"),
        (symbolic.budget, "closed form of the budget"),
    ],
)
def test_a_wrong_gain_is_noticed(derive, message, monkeypatch):
    wrong = 2 * symbolic.gain()
    monkeypatch.setattr(symbolic.deviation, "gain", lambda: wrong)
    with pytest.raises(symbolic.DerivationError, match=message):
        derive()


def test_two_routes_must_meet(monkeypatch):
    wrong = symbolic.mixed_moment() * 2
    monkeypatch.setattr(symbolic.deviation, "mixed_moment", lambda: wrong)
    with pytest.raises(symbolic.DerivationError, match="the two routes to the deviation"):
        symbolic.squared_deviation()
    with pytest.raises(symbolic.DerivationError, match="the limit and its closed form"):
        symbolic.squared_deviation_from_truth()


def test_limits_are_compared(monkeypatch):
    wrong = symbolic.expected_collision_mixed() + symbolic.S0
    monkeypatch.setattr(symbolic.deviation, "expected_collision_mixed", lambda: wrong)
    with pytest.raises(symbolic.DerivationError, match="the limit at fixed m"):
        symbolic.large_n_limits()


def test_a_wrong_step_of_accumulation_is_noticed(monkeypatch):
    monkeypatch.setattr(symbolic.schedules, "binomial_second_moment", lambda: symbolic.x)
    for derive in (symbolic.accumulating_step, symbolic.random_step):
        with pytest.raises(symbolic.DerivationError, match="the step and its factor"):
            derive()


@pytest.mark.paper("(8)", check="symbolic")
def test_the_bounds_of_theorem_1_need_the_right_sum(monkeypatch):
    monkeypatch.setattr(symbolic.collapse, "geometric_sum", lambda: symbolic.n)
    with pytest.raises(symbolic.DerivationError, match=re.escape("the sum and (8) differ")):
        symbolic.collapse_time_bounds()


@pytest.mark.paper("(7)", check="symbolic")
def test_the_bounds_of_theorem_1_need_the_right_collision_probability(monkeypatch):
    late = symbolic.expected_collision().subs(symbolic.m, symbolic.m + 1)
    monkeypatch.setattr(symbolic.collapse, "expected_collision", lambda: late)
    with pytest.raises(symbolic.DerivationError, match=re.escape("the lower bound and (7) differ")):
        symbolic.collapse_probability_bounds()


@pytest.mark.parametrize("k", range(1, 8))
def test_the_reciprocal_of_the_parents_is_at_least_its_bound(k):
    """The two inequalities that bound the collapse time, as polynomials in 1/n."""
    n, y = symbolic.n, sp.Symbol("y")
    for shift, bound in ((0, 1 / (2 * n)), (1, sp.Rational(k - 1, 2 * (k + 1)) / n)):
        if k == 1 and shift == 0:
            continue
        gap = symbolic.reciprocal_parents(k, shift) - sp.Rational(1, k + shift) - bound
        gap = sp.lambdify(y, sp.expand(gap.subs(n, 1 / y)))
        assert all(gap(sp.Rational(1, size)) >= 0 for size in range(1, 60))


def test_a_wrong_distribution_of_the_parents_ends_in_an_error(monkeypatch):
    right = symbolic.parents
    monkeypatch.setattr(symbolic.collapse, "parents", lambda k: right(k + 1))
    with pytest.raises(symbolic.DerivationError, match="the two means for k = 3 differ"):
        symbolic.reciprocal_parents(3)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_harmonic_gap(size):
    assert symbolic.harmonic_gap(size).subs(symbolic.x, 1) == sp.harmonic(size)


@pytest.mark.parametrize("tokens", [1, 2, 5])
def test_the_collision_gap_vanishes_for_the_uniform_distribution(tokens):
    gap = sp.sympify(symbolic.collision_gap(tokens))
    assert gap.subs({symbol: sp.Rational(1, tokens) for symbol in gap.free_symbols}) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: symbolic.collision_gap(0), "tokens must be an integer of at least 1, got 0"),
        (lambda: symbolic.parents(-1), "k must be an integer of at least 0, got -1"),
        (lambda: symbolic.reciprocal_parents(0), "k must be an integer of at least 1, got 0"),
        (lambda: symbolic.reciprocal_parents(2, 2), "shift must be an integer of at most 1, got 2"),
        (lambda: symbolic.harmonic_gap(0), "size must be an integer of at least 1, got 0"),
        (lambda: symbolic.theorem_2(2), "sign must be 1 or -1, got 2"),
        (lambda: symbolic.cross_entropy_gradient(0), "tokens must be an integer of at least 1"),
        (lambda: symbolic.cross_entropy_curvature(1.5), "tokens must be an integer of at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_smoothed_recursion_and_solution_fit_together():
    recursion, solution = symbolic.smoothed_recursion(), symbolic.expected_collision_smoothed()
    numbers = {symbolic.n: 7, symbolic.lam: sp.Rational(2, 9), symbolic.support: 4}
    value = symbolic.S0
    for m in range(4):
        found = solution.subs(symbolic.m, m).subs(numbers)
        assert sp.expand(found - value) == 0
        value = recursion.rhs.subs(symbolic.S(symbolic.m), value).subs(numbers)


@pytest.mark.parametrize("wrong", [symbolic.x**2, symbolic.x / symbolic.n])
def test_smoothing_with_a_wrong_moment_ends_in_an_error(wrong, monkeypatch):
    monkeypatch.setattr(symbolic.bias, "binomial_second_moment", lambda: wrong)
    with pytest.raises(symbolic.DerivationError, match="the sum over tokens and the recursion"):
        symbolic.smoothed_recursion()


def test_a_wrong_limit_is_no_solution(monkeypatch):
    monkeypatch.setattr(symbolic.bias, "smoothed_limit", lambda: 1 / symbolic.support)
    with pytest.raises(symbolic.DerivationError, match="the recursion and its solution"):
        symbolic.expected_collision_smoothed()
    with pytest.raises(symbolic.DerivationError, match="the gap and a multiple"):
        symbolic.smoothing_balance()


def test_pseudocounts_in_balance_keep_the_collision_probability():
    balance = symbolic.smoothing_balance()
    numbers = {symbolic.n: 10, symbolic.S0: sp.Rational(1, 2), symbolic.support: 4}
    (a,) = (z for z in sp.solve(balance.subs(numbers), symbolic.A) if z > 0)
    limit = symbolic.smoothed_limit().subs(symbolic.lam, a / (10 + a)).subs(numbers)
    assert sp.simplify(limit) == sp.Rational(1, 2)


@pytest.mark.paper("Section 6", check="symbolic")
@pytest.mark.parametrize("tokens", [2, 3, 5])
def test_departures_grow_by_the_share_over_the_temperature(tokens, monkeypatch):
    assert symbolic.temperature_multiplier(tokens) == symbolic.share / symbolic.tau
    # with the temperature upside down the Jacobian has another multiplier
    monkeypatch.setattr(symbolic.bias, "tau", 1 / symbolic.tau)
    assert symbolic.temperature_multiplier(tokens) == symbolic.share * symbolic.tau
    monkeypatch.setattr(symbolic.bias, "require_equal", wrong_by_one)
    with pytest.raises(symbolic.DerivationError, match="the image of a departure"):
        symbolic.temperature_multiplier(tokens)


@pytest.mark.paper("Section 6", check="symbolic")
def test_a_hill_with_another_slope_is_refused(monkeypatch):
    temperature, filtered = symbolic.hill()
    assert temperature.has(symbolic.tau)
    assert not filtered.has(symbolic.tau)
    monkeypatch.setattr(symbolic.bias, "require_equal", wrong_by_one)
    with pytest.raises(symbolic.DerivationError, match="the gradient and the next model"):
        symbolic.hill()


def wrong_by_one(left, right, what):
    """Compare with something else, so that a check that is made must fail."""
    symbolic._core.require_equal(left, right + 1, what)
