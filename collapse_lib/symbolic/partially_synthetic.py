"""Real data kept, and samples of the last model: the paper's Theorem 2 with (9) and (15).

We follow one token with true probability p through the generations. p^(1) is its frequency in the
real corpus of N samples, and from then on

    p^(m) = (N p^(1) + n q) / (N + n),

where q is its frequency among n samples of p^(m-1).
"""

import sympy as sp

from collapse_lib import _checks
from collapse_lib.symbolic._core import S0, DerivationError, m, n, require_equal, x
from collapse_lib.symbolic.fully_synthetic import binomial_second_moment

N = sp.Symbol("N", integer=True, positive=True)
p = sp.Symbol("p", nonnegative=True)
nu = sp.Function("nu")

# Shorthands of the paper; beta stays a symbol, so that results are readable, and `decay` gives its
# value. That is 0 for n = 1, where beta^(m - 1) means 1 at m = 1 and 0 after.
alpha = n / (N + n)
beta = sp.Symbol("beta", positive=True)


def decay():
    """Return beta, the factor by which the distance to the limit shrinks in each generation.

    Returns
    -------
    sympy.Expr
        ``n (n - 1) / (N + n)^2``, in the symbols N and n.

    Raises
    ------
    DerivationError
        If it differs from the paper's ``alpha ((1 + 1/N) alpha - 1/N)``, where alpha is
        ``n / (N + n)``.

    Examples
    --------
    >>> decay()
    n*(n - 1)/(N + n)**2
    """
    factor = n * (n - 1) / (N + n) ** 2
    require_equal(factor, alpha * ((1 + 1 / N) * alpha - 1 / N), "beta and the paper's")
    return factor


def gain():
    """Return c_m, the squared deviation from the first model relative to ``p_1 (1 - p_1)``.

    Returns
    -------
    sympy.Expr
        ``(1 - beta^(m - 1)) n / (N^2 + (2N + 1) n)``, in the symbols m, N, n and beta.

    Examples
    --------
    >>> gain().subs(m, 1)
    0
    """
    return (1 - beta ** (m - 1)) * n / (N**2 + (2 * N + 1) * n)


def mixed_moment_recursion():
    """Return the recursion of the second moment ``nu(m) = E[(p^(m))^2]``, equation (15).

    Squaring the definition of p^(m + 1) leaves three expectations. ``E[(p^(1))^2] = nu(1)`` is a
    binomial moment of the real corpus. ``E[q^2]`` is a binomial moment of the synthetic samples,
    given p^(m). ``E[p^(1) q]`` equals ``E[p^(1) p^(m)]``, since q is independent of the corpus
    given p^(m). This cross moment is nu(1) in every generation, which is checked: it is at
    ``m = 1``, and ``(N nu(1) + n c) / (N + n)`` with ``c = nu(1)`` is nu(1) again.

    Returns
    -------
    sympy.Eq
        nu(m + 1) in terms of nu(m), p, N and n, for ``m >= 1``.

    Raises
    ------
    DerivationError
        If the cross moment changes from one generation to the next.

    Examples
    --------
    >>> sorted(map(str, mixed_moment_recursion().free_symbols))
    ['N', 'm', 'n', 'p']
    """
    first = _first_moment()
    cross = (N * first + n * first) / (N + n)
    require_equal(cross, first, "the cross moment of two generations")
    moment = binomial_second_moment()
    synthetic = moment.coeff(x, 1) * p + moment.coeff(x, 2) * nu(m)
    after = (N**2 * first + 2 * N * n * cross + n**2 * synthetic) / (N + n) ** 2
    slope = sp.factor(after.expand().coeff(nu(m)))
    require_equal(slope, decay(), "the coefficient of nu(m) and beta")
    rest = sp.factor((after - slope * nu(m)).expand())
    return sp.Eq(nu(m + 1), rest + slope * nu(m))


def mixed_moment():
    """Return ``nu(m) = E[(p^(m))^2]`` in closed form, for ``m >= 1``.

    The recursion is ``nu(m + 1) = a + beta nu(m)``, with beta from `decay`. `sympy.rsolve` solves
    it from nu(1), and the solution is compared with the formula below, which is nu(1) plus a gain.

    Returns
    -------
    sympy.Expr
        ``nu(1) + (1 - beta^(m - 1)) n / (N^2 + (2N + 1) n) (1 - 1/N) p (1 - p)``, where nu(1) is
        ``p/N + (1 - 1/N) p^2``, in the symbols m, N, n, p and beta.

    Raises
    ------
    DerivationError
        If the expression misses the recursion, its initial value or SymPy's solution.

    Examples
    --------
    >>> sp.simplify(mixed_moment().subs(m, 1) - p**2)
    p*(1 - p)/N
    """
    recursion, first = mixed_moment_recursion(), _first_moment()
    rest = recursion.rhs.subs(nu(m), 0)
    closed = first + gain() * (1 - 1 / N) * p * (1 - p)
    require_equal(closed.subs(m, 1), first, "the initial value")
    step = sp.expand(closed.subs(m, m + 1) - rest - beta * closed)
    require_equal(step.subs(beta, decay()), 0, "the recursion and its solution")
    solved = sp.rsolve(nu(m + 1) - rest - beta * nu(m), nu(m), {nu(1): first})
    if solved is None:
        raise DerivationError("the recursion was not solved")
    for generation in (1, 2, 3):
        found, expected = (e.subs(m, generation).subs(beta, decay()) for e in (solved, closed))
        require_equal(found, expected, f"SymPy's solution at generation {generation}")
    return closed


def expected_collision_mixed():
    """Return S_m if the real corpus is kept: Theorem 2 with its sign corrected.

    It is `mixed_moment` summed over the tokens, where p becomes 1 and ``p^2`` becomes S_0.

    Returns
    -------
    sympy.Expr
        In the symbols m, at least 1, N, n, S_0 and beta.

    Raises
    ------
    DerivationError
        If it differs from (9) with the last bracket ``1 + alpha + alpha beta^(m - 1) / N``.

    Examples
    --------
    >>> value = expected_collision_mixed().subs(beta, decay())
    >>> value.subs({N: 4, n: 6, S0: sp.Rational(46, 100), m: 2})
    6193/10000
    """
    moment = sp.expand(mixed_moment())
    linear, square = moment.coeff(p, 1), moment.coeff(p, 2)
    require_equal(moment, linear * p + square * p**2, "the moment as a polynomial")
    summed = 1 / N + (1 - 1 / N) * S0 + gain() * (1 - 1 / N) * (1 - S0)
    require_equal(linear + square * S0, summed, "the sum over tokens")
    require_equal(summed, theorem_2(sign=+1), "the derived and the corrected (9)")
    return summed


def theorem_2(sign):
    """Return the right side of (9) for generation m, with the sign of its last term given.

    The paper's S_(m+1) is S_m here, since m counts generations.

    Parameters
    ----------
    sign : {1, -1}
        The paper prints -1; the correct sign is 1.

    Returns
    -------
    sympy.Expr
        In the symbols m, N, n, S_0 and beta.

    Raises
    ------
    ValueError
        If `sign` is neither 1 nor -1.

    Examples
    --------
    >>> sp.factor(theorem_2(+1) - theorem_2(-1)).subs({N: 4, n: 6, m: 1})
    9*S_0/70
    """
    if not _checks.is_whole(sign) or sign not in (1, -1):
        raise ValueError(f"sign must be 1 or -1, got {_checks.shown(sign)}")
    power = beta ** (m - 1)
    denominator = 1 + (1 + 1 / N) * alpha
    first = (1 + 2 * alpha - (1 - 1 / N) * alpha * power) / N
    second = (1 - 1 / N) * S0 * (1 + alpha + sign * alpha * power / N)
    return (first + second) / denominator


def printed_residual():
    """Return the difference between the printed (9) and the derived S_m.

    Returns
    -------
    sympy.Expr
        Printed minus derived, factored, with beta as a symbol. It vanishes for ``N = 1`` and, from
        ``m = 2`` on, for ``n = 1``.

    Raises
    ------
    DerivationError
        If one of the signs misses the recursion, or the printed form has the right initial value.
        Both signs satisfy the recursion; only the initial value tells them apart.

    Examples
    --------
    >>> printed_residual().subs({N: 4, n: 6, S0: sp.Rational(46, 100), m: 1})
    -207/3500
    """
    rest = sp.expand(mixed_moment_recursion().rhs.subs(nu(m), 0))
    summed = rest.coeff(p, 1) + rest.coeff(p, 2) * S0
    for sign in (+1, -1):
        step = sp.expand(theorem_2(sign).subs(m, m + 1) - beta * theorem_2(sign))
        require_equal(step.subs(beta, decay()), summed, f"the recursion, sign {sign:+},")
    right, printed = expected_collision_mixed(), theorem_2(sign=-1)
    first = 1 / N + (1 - 1 / N) * S0
    require_equal(right.subs(m, 1), first, "the initial value")
    if sp.simplify(printed.subs(m, 1) - first) == 0:
        raise DerivationError("the printed form meets the initial value")
    residual = -2 * (N - 1) * n * S0 * beta ** (m - 1) / (N * (N**2 + (2 * N + 1) * n))
    require_equal(printed - right, residual, "the residual and its factors")
    return residual


def _first_moment():
    """Return E[(p^(1))^2], the second moment of the frequency among N real samples."""
    return binomial_second_moment().subs({n: N, x: p}, simultaneous=True)
