"""Real data kept: how far one token strays from the first model, and from the truth.

Setting and symbols are as in `partially_synthetic`. p_1 is the frequency of the token in the real
corpus; results given the corpus hold for every value of p_1.
"""

import sympy as sp

from collapse_lib.symbolic._core import S0, DerivationError, m, n, require_equal, x
from collapse_lib.symbolic.fully_synthetic import binomial_second_moment
from collapse_lib.symbolic.partially_synthetic import (
    N,
    alpha,
    beta,
    decay,
    expected_collision_mixed,
    gain,
    mixed_moment,
    p,
)

first = sp.Symbol("p_1", nonnegative=True)
_D = sp.Function("D")
_mean = sp.Function("mu")


def mean_given_corpus():
    """Return ``E[p^(m) | p^(1)]``.

    The expected frequency among n samples of a model is the probability in the model. So the
    definition of p^(m + 1) gives ``mu(m + 1) = (N p_1 + n mu(m)) / (N + n)`` with ``mu(1) = p_1``,
    which SymPy solves.

    Returns
    -------
    sympy.Expr
        p_1, for every m.

    Raises
    ------
    DerivationError
        If the solution changes with m.

    Examples
    --------
    >>> mean_given_corpus()
    p_1
    """
    step = _mean(m + 1) - (N * first + n * _mean(m)) / (N + n)
    solved = sp.rsolve(step, _mean(m), {_mean(1): first})
    require_equal(solved, first, "the mean given the corpus and p^(1)")
    return first


def squared_deviation_given_corpus():
    """Return ``E[(p^(m) - p^(1))^2 | p^(1)]``, the exact deviation for the corpus at hand.

    ``p^(m + 1) - p_1`` is ``n / (N + n)`` times ``q - p_1``, where q is the frequency among n
    samples of p^(m). Given the corpus, ``E[q^2]`` comes from the binomial moment and
    ``E[q] = p_1``.

    Returns
    -------
    sympy.Expr
        ``(1 - beta^(m - 1)) n / (N^2 + (2N + 1) n) p_1 (1 - p_1)``.

    Raises
    ------
    DerivationError
        If the expression misses the recursion or its initial value 0.

    Examples
    --------
    >>> squared_deviation_given_corpus().subs(m, 1)
    0
    """
    mean, moment = mean_given_corpus(), binomial_second_moment()
    model = _D(m) + mean**2  # E[(p^(m))^2 | p^(1)]
    square = moment.coeff(x, 1) * mean + moment.coeff(x, 2) * model
    after = sp.expand((n / (N + n)) ** 2 * (square - mean**2))
    require_equal(after.coeff(_D(m)), decay(), "the factor of D(m) and beta")
    closed = gain() * first * (1 - first)
    step = closed.subs(m, m + 1) - beta * closed - (after - after.coeff(_D(m)) * _D(m))
    require_equal(sp.expand(step).subs(beta, decay()), 0, "the recursion and its solution")
    require_equal(closed.subs(m, 1), 0, "the deviation at m = 1")
    return closed


def squared_deviation():
    """Return ``E[(p^(m) - p^(1))^2]``.

    It is derived in two ways: as the mean of `squared_deviation_given_corpus` over all corpora, and
    as ``nu(m) - 2 E[p^(1) p^(m)] + nu(1) = nu(m) - nu(1)``, with nu from Theorem 2.

    Returns
    -------
    sympy.Expr
        ``(1 - beta^(m - 1)) n / (N^2 + (2N + 1) n) (1 - 1/N) p (1 - p)``.

    Raises
    ------
    DerivationError
        If the two results differ.

    Examples
    --------
    >>> sp.factor(squared_deviation().subs(m, 2).subs(beta, 0).subs(N, 2).subs(n, 1))
    -p*(p - 1)/18
    """
    corpus = binomial_second_moment().subs({n: N, x: p}, simultaneous=True)
    given = sp.expand(squared_deviation_given_corpus())
    averaged = given.coeff(first, 1) * p + given.coeff(first, 2) * corpus
    moment = mixed_moment()
    require_equal(averaged, moment - moment.subs(m, 1), "the two routes to the deviation")
    return gain() * (1 - 1 / N) * p * (1 - p)


def squared_deviation_from_truth():
    """Return ``E[(p^(m) - p)^2]``, and its limit for many generations.

    As ``E[p^(m)] = p``, it is ``nu(m) - p^2``.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        The deviation, and its limit ``(1 + 2 alpha) / (N + (N + 1) alpha) p (1 - p)``.

    Raises
    ------
    DerivationError
        If the limit differs, or is not below 3/2 times the error ``p (1 - p) / N`` of the corpus.

    Examples
    --------
    >>> sp.factor(squared_deviation_from_truth()[0].subs(m, 1))
    -p*(p - 1)/N
    """
    variance = mixed_moment() - p**2
    limit = variance.subs(beta ** (m - 1), 0)
    share = (1 + 2 * alpha) / (N + (N + 1) * alpha)
    require_equal(limit, share * p * (1 - p), "the limit and its closed form")
    room = sp.factor(sp.Rational(3, 2) / N - share)
    if not room.is_positive:
        raise DerivationError(f"{room} is not positive")
    return variance, share * p * (1 - p)


def squared_deviation_fresh():
    """Return ``E[(p^(m) - p)^2]`` if fresh real samples are drawn for each generation.

    The real frequencies are then independent of the last model. So the next deviation is
    ``(1 - alpha)^2`` times the variance of the real frequencies, plus ``alpha^2`` times the
    deviation of the n synthetic ones.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        The deviation, and its limit ``(N + n) / (N^2 + (2N + 1) n) p (1 - p)``.

    Raises
    ------
    DerivationError
        If the expression misses the recursion or its initial value.

    Examples
    --------
    >>> sp.factor(squared_deviation_fresh()[1].subs({N: 1, n: 1}))
    -p*(p - 1)/2
    """
    moment = binomial_second_moment()
    variance = p * (1 - p)
    square = moment.coeff(x, 1) * p + moment.coeff(x, 2) * (_D(m) + p**2)  # E[q^2]
    after = sp.expand((1 - alpha) ** 2 * variance / N + alpha**2 * (square - p**2))
    require_equal(after.coeff(_D(m)), decay(), "the factor of D(m) and beta")
    limit = (N + n) / (N**2 + (2 * N + 1) * n) * variance
    closed = limit + beta ** (m - 1) * (variance / N - limit)
    step = closed.subs(m, m + 1) - beta * closed - (after - after.coeff(_D(m)) * _D(m))
    require_equal(sp.expand(step).subs(beta, decay()), 0, "the recursion and its solution")
    require_equal(closed.subs(m, 1), variance / N, "the initial value")
    return closed, limit


def large_n_limits():
    """Return the limits of S_m for ``n -> oo``: at fixed m, and after ``m -> oo``.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        ``S_1 = 1/N + (1 - 1/N) S_0``, and ``(3 + 2 (N - 1) S_0) / (2N + 1)``.

    Raises
    ------
    DerivationError
        If a limit differs from these, or equals the paper's remark for ``n >> N``.

    Examples
    --------
    >>> large_n_limits()[1].subs({N: 10, S0: 0})
    1/7
    """
    value = expected_collision_mixed()
    if sp.limit(decay(), n, sp.oo) != 1:
        raise DerivationError("beta does not tend to 1")
    fixed = sp.limit(value.subs(beta, 1), n, sp.oo)
    settled = sp.limit(value.subs(beta ** (m - 1), 0), n, sp.oo)
    require_equal(fixed, 1 / N + (1 - 1 / N) * S0, "the limit at fixed m and S_1")
    require_equal(settled, (3 + 2 * (N - 1) * S0) / (2 * N + 1), "the limit of the limits")
    remark = 1 / N + (1 - 1 / N) * (2 - 1 / N) / (2 + 1 / N) * S0
    if 0 in (sp.simplify(remark - fixed), sp.simplify(remark - settled)):
        raise DerivationError("the paper's remark is one of the limits")
    return sp.factor(fixed), settled


def budget():
    """Return the n for which the bound on the deviation tends to epsilon as ``m -> oo``.

    By `squared_deviation` and Jensen's inequality, the bound is ``sqrt(c (1 - 1/N)) Q`` with
    ``c = n / (N^2 + (2N + 1) n)`` and ``Q = sum_i sqrt(p_i (1 - p_i))``. SymPy solves for n.

    Returns
    -------
    sympy.Expr
        In the symbols N, Q and epsilon.

    Raises
    ------
    DerivationError
        If it differs from ``N^2 epsilon^2 / (Q^2 (1 - 1/N) - (2N + 1) epsilon^2)``.

    Examples
    --------
    >>> Q, epsilon = sp.symbols("Q epsilon", positive=True)
    >>> budget().subs({N: 10, Q: 2, epsilon: sp.Rational(1, 10)})
    100/339
    """
    Q, epsilon = sp.symbols("Q epsilon", positive=True)
    bound = gain().subs(beta ** (m - 1), 0) * (1 - 1 / N) * Q**2
    (solved,) = sp.solve(sp.Eq(bound, epsilon**2), n)
    closed = N**2 * epsilon**2 / (Q**2 * (1 - 1 / N) - (2 * N + 1) * epsilon**2)
    require_equal(solved, closed, "the solution and the closed form of the budget")
    return closed
