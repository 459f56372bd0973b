"""Families and limited models: variance functions, their recursion, and a projection."""

import sympy as sp

from collapse_lib import _checks
from collapse_lib.symbolic._core import n, require_equal

v0, v1, v2 = sp.symbols("v_0 v_1 v_2", real=True)
mu = sp.Symbol("mu", real=True)
variance = sp.Symbol("sigma^2", positive=True)


def variance_recursion():
    """Return ``E[V(mu') | mu] / V(mu)`` for a quadratic V, where mu' is the mean of n samples.

    mu' has mean mu and variance V(mu) / n, so its square has mean ``mu^2 + V(mu) / n``.

    Returns
    -------
    sympy.Expr
        ``1 + v_2 / n``.

    Raises
    ------
    DerivationError
        If the quotient differs.

    Examples
    --------
    >>> variance_recursion().subs(v2, -1)
    1 - 1/n
    """
    now = v0 + v1 * mu + v2 * mu**2
    after = v0 + v1 * mu + v2 * (mu**2 + now / n)
    require_equal(after, (1 + v2 / n) * now, "the next variance and its factor times this one")
    return 1 + v2 / n


def variance_functions():
    """Return the variance functions of the six families, derived from their cumulant functions.

    The cumulant function K(t) of a family gives mean K' and variance K''; SymPy checks that
    ``K'' = V(K')``.

    Returns
    -------
    dict of str to sympy.Expr
        In the symbol mu; for the gamma family also its shape k, for the normal one sigma^2.

    Raises
    ------
    DerivationError
        If ``K'' = V(K')`` fails for one of them.

    Examples
    --------
    >>> variance_functions()["Poisson"]
    mu
    """
    t = sp.Symbol("t", real=True)
    k = sp.Symbol("k", positive=True)
    families = {
        "Bernoulli": (sp.log(1 + sp.exp(t)), mu * (1 - mu)),
        "Poisson": (sp.exp(t), mu),
        "Normal": (variance * t**2 / 2, variance),
        "Gamma": (-k * sp.log(-t), mu**2 / k),
        "Geometric": (-sp.log(1 - sp.exp(t)), mu + mu**2),
        "HyperbolicSecant": (-sp.log(sp.cos(t)), 1 + mu**2),
    }
    for name, (cumulants, function) in families.items():
        mean = cumulants.diff(t)
        require_equal(mean.diff(t), function.subs(mu, mean), f"V of {name} and its second cumulant")
    return {name: sp.expand(function) for name, (_, function) in families.items()}


def gaussian_moments():
    """Return the mean of the fitted variance, and the variance of the fitted mean.

    The n independent samples have mean mu and variance sigma^2. The fitted variance is the mean of
    their squares minus the square of their mean.

    Returns
    -------
    (sympy.Expr, sympy.Expr)
        ``(1 - 1/n) sigma^2`` and ``sigma^2 / n``.

    Raises
    ------
    DerivationError
        If their sum is not sigma^2: the variance that models lose reappears between models.

    Examples
    --------
    >>> gaussian_moments()[0].subs(n, 2)
    sigma^2/2
    """
    square = mu**2 + variance  # of one sample
    square_of_mean = (n * square + n * (n - 1) * mu**2) / n**2
    fitted = sp.factor(square - square_of_mean)
    between = sp.simplify(square_of_mean - mu**2)
    require_equal(fitted + between, variance, "the variance within and between models, and before")
    return fitted, between


def log_chi_square():
    """Return the expected logarithm of a chi-square variable with k degrees of freedom.

    By its density, the t-th moment is ``2^t Gamma(k/2 + t) / Gamma(k/2)``. The derivative at t = 0
    is the expected logarithm.

    Returns
    -------
    sympy.Expr
        ``log(2) + psi(k/2)``, in the symbol k.

    Raises
    ------
    DerivationError
        If the moment differs from the integral over the density for t = 1 or 2.

    Examples
    --------
    >>> log_chi_square()
    polygamma(0, k/2) + log(2)
    """
    k, y = sp.symbols("k y", positive=True)
    t = sp.Symbol("t", nonnegative=True)
    moment = 2**t * sp.gamma(k / 2 + t) / sp.gamma(k / 2)
    density = y ** (k / 2 - 1) * sp.exp(-y / 2) / (2 ** (k / 2) * sp.gamma(k / 2))
    for order in (1, 2):
        by_integral = sp.integrate(y**order * density, (y, 0, sp.oo))
        require_equal(sp.gammasimp(moment.subs(t, order)), by_integral, f"the moment {order}")
    return sp.simplify(moment.diff(t).subs(t, 0))


def projection_condition(tokens=3):
    """Return the derivative of ``D(p || p_W)`` in the weights of one feature, for one context.

    It is ``q e (p_W - p)``. Summed over contexts, it vanishes at the best model p*, where the sums
    of features agree. The cross term of the Pythagorean identity,
    ``D(p || p_W) - D(p || p*) - D(p* || p_W)``, is this derivative at p* times the difference of
    the weights, so it vanishes too.

    Parameters
    ----------
    tokens : int, optional
        Vocabulary size, at least 2.

    Returns
    -------
    sympy.Matrix
        A column in the symbols q, e, p_k and w_k, with one entry per token.

    Raises
    ------
    DerivationError
        If the derivative or the cross term differs.

    Examples
    --------
    >>> len(projection_condition(tokens=2))
    2
    """
    tokens = _checks.integer(tokens, "tokens", 2, 10)
    q, e = sp.symbols("q e", positive=True)
    free = sp.symbols(f"p_1:{tokens}", positive=True)
    p = [*free, 1 - sum(free)]
    w, best = (sp.symbols(f"{name}_1:{tokens + 1}", real=True) for name in ("w", "b"))
    logs = {weights: _log_softmax([e * x for x in weights]) for weights in (w, best)}
    loss = q * sum(x * (sp.log(x) - y) for x, y in zip(p, logs[w], strict=True))
    condition = sp.Matrix([q * e * (sp.exp(y) - x) for x, y in zip(p, logs[w], strict=True)])
    for weight, expected in zip(w, condition, strict=True):
        require_equal(loss.diff(weight), expected, "the derivative and q e (p_W - p)")
    at_best = [sp.exp(y) for y in logs[best]]
    gaps = [b - y for b, y in zip(logs[best], logs[w], strict=True)]
    cross = q * sum((x - y) * gap for x, y, gap in zip(p, at_best, gaps, strict=True))
    shifts = [b - x for b, x in zip(best, w, strict=True)]
    expected = -sum(q * e * (y - x) * s for x, y, s in zip(p, at_best, shifts, strict=True))
    require_equal(cross, expected, "the cross term and the derivative times the shift")
    return condition


def _log_softmax(logits):
    total = sp.log(sum(map(sp.exp, logits)))
    return [logit - total for logit in logits]
