"""The closed forms again, derived by SymPy from first principles.

One function a result. Each builds its expression from what is named in its docstring,
checks it, and raises `DerivationError` if the check fails; none is a formula typed in.

The symbols are those of the paper: n samples per generation, m generations, x for the
probability of one token, S_0 and S_m for the (expected) collision probability.
"""

import sympy as sp

n = sp.Symbol("n", integer=True, positive=True)
m = sp.Symbol("m", integer=True, nonnegative=True)
x = sp.Symbol("x", nonnegative=True)
S0 = sp.Symbol("S_0", nonnegative=True)
S = sp.Function("S")


class DerivationError(ArithmeticError):
    """A derivation did not end where it should."""


def cross_entropy_gradient(tokens=3):
    """Return the gradient of the cross-entropy of one context in its logits (Appendix 8.1).

    SymPy differentiates -sum_k N_k / N log softmax(w)_k, with counts N_k of sum N.

    Parameters
    ----------
    tokens : int, optional
        Size of the vocabulary.

    Returns
    -------
    sympy.Matrix
        A column in the symbols w_1, w_2, ... and N_1, N_2, ...

    Raises
    ------
    DerivationError
        If it differs from softmax(w) minus the frequencies.

    Examples
    --------
    >>> cross_entropy_gradient(tokens=2)[0]
    -N_1/(N_1 + N_2) + exp(w_1)/(exp(w_1) + exp(w_2))
    """
    weights, counts, model, loss = _cross_entropy(tokens)
    frequencies = [count / sum(counts) for count in counts]
    found = []
    for k in range(tokens):
        _require_equal(loss.diff(weights[k]), model[k] - frequencies[k], f"entry {k + 1}")
        found.append(model[k] - frequencies[k])
    return sp.Matrix(found)


def cross_entropy_curvature(tokens=3):
    """Return the second derivative of the cross-entropy of one context along a direction v.

    Parameters
    ----------
    tokens : int, optional
        Size of the vocabulary.

    Returns
    -------
    sympy.Expr
        In the symbols v_k and q_k, where q = softmax(w): a sum of squares with positive
        weights, which is 0 only where all v_k are equal.

    Raises
    ------
    DerivationError
        If v^T H v, with the Hessian H of the cross-entropy, is another function.

    Examples
    --------
    >>> cross_entropy_curvature(tokens=2)
    q_1*q_2*(v_1 - v_2)**2
    """
    weights, _, model, loss = _cross_entropy(tokens)
    direction = sp.Matrix(_numbered("v", tokens))
    second = (direction.T * sp.hessian(loss, weights) * direction)[0]
    pairs = [(k, j) for k in range(tokens) for j in range(k)]
    squares = [(direction[j] - direction[k]) ** 2 for k, j in pairs]
    by_pairs = sum(
        model[j] * model[k] * square for (k, j), square in zip(pairs, squares, strict=True)
    )
    _require_equal(second, by_pairs, "the second derivative and its sum over pairs")
    q = _numbered("q", tokens)
    return sum(q[j] * q[k] * square for (k, j), square in zip(pairs, squares, strict=True))


def _cross_entropy(tokens):
    """Return logits, counts, the softmax of the logits and the cross-entropy."""
    weights, counts = _numbered("w", tokens), _numbered("N", tokens)
    total = sum(map(sp.exp, weights))
    model = [sp.exp(weight) / total for weight in weights]
    logarithms = [count * sp.log(q) for count, q in zip(counts, model, strict=True)]
    return weights, counts, model, -sum(logarithms) / sum(counts)


def _numbered(name, tokens):
    return sp.symbols(f"{name}_1:{tokens + 1}", real=True, positive=True if name == "N" else None)


def binomial_second_moment():
    """Return E[(X/n)^2] for X ~ Bin(n, x).

    X is a sum of n independent one-hot samples, so its generating function is
    E[z^X] = (1 - x + x z)^n, and E[X^2] = G''(1) + G'(1).

    Returns
    -------
    sympy.Expr
        In the symbols n and x.

    Raises
    ------
    DerivationError
        If the result differs from the sum over all outcomes for n = 1, ..., 4.

    Examples
    --------
    >>> binomial_second_moment()
    x**2*(1 - 1/n) + x/n
    """
    z = sp.Symbol("z")
    one_sample = (1 - x) * z**0 + x * z**1
    generating = one_sample**n
    second = sum(sp.diff(generating, z, order).subs(z, 1) for order in (1, 2))
    moment = sp.collect(sp.expand(sp.simplify(second / n**2)), x**2)
    for size in range(1, 5):
        outcomes = range(size + 1)
        by_sum = sum(
            sp.binomial(size, k) * x**k * (1 - x) ** (size - k) * sp.Rational(k, size) ** 2
            for k in outcomes
        )
        _require_equal(moment.subs(n, size), by_sum, f"the second moment at n = {size}")
    return moment


def collision_recursion():
    """Return the recursion of the expected collision probability, the first half of (14).

    The second moment of one token, given the model before, is linear in x and x^2. Summed
    over tokens, x becomes 1 and x^2 becomes the collision probability; its expectation is
    S(m) by the law of total expectation.

    Returns
    -------
    sympy.Eq
        S(m + 1) in terms of S(m), for every m >= 0.

    Raises
    ------
    DerivationError
        If the second moment of a token is not a x + b x^2.

    Examples
    --------
    >>> collision_recursion()
    Eq(S(m + 1), (1 - 1/n)*S(m) + 1/n)
    """
    moment = binomial_second_moment()
    linear, square = moment.coeff(x, 1), moment.coeff(x, 2)
    _require_equal(moment, linear * x + square * x**2, "the second moment as a polynomial")
    return sp.Eq(S(m + 1), linear + square * S(m))


def expected_collision():
    """Return S_m in closed form, the second half of (14), which is (6).

    `sympy.rsolve` solves `collision_recursion` from S(0) = S_0.

    Returns
    -------
    sympy.Expr
        In the symbols m, n and S_0.

    Raises
    ------
    DerivationError
        If the solution misses the recursion, its initial value or the printed (6).

    Examples
    --------
    >>> expected_collision()
    -(1 - S_0)*(1 - 1/n)**m + 1
    """
    recursion = collision_recursion()
    solved = sp.rsolve(recursion.lhs - recursion.rhs, S(m), {S(0): S0})
    if solved is None:
        raise DerivationError("the recursion was not solved")
    printed = 1 - (1 - 1 / n) ** m * (1 - S0)
    # The printed form must pass by itself: the recursion holds, and so does the start.
    _require_equal(printed.subs(m, m + 1), recursion.rhs.subs(S(m), printed), "the recursion")
    _require_equal(printed.subs(m, 0), S0, "the initial value")
    _require_equal(solved, printed, "the solution and (6)")
    return printed


def token_variance():
    """Return the variance of the probability of one token, fully synthetic.

    By `binomial_second_moment`, the second moment u(m) of a probability with mean p obeys
    u(m + 1) = p/n + (1 - 1/n) u(m), from u(0) = p^2; `sympy.rsolve` solves that.

    Returns
    -------
    sympy.Expr
        In the symbols m, n and p.

    Raises
    ------
    DerivationError
        If it differs from p (1 - p) (1 - (1 - 1/n)^m).

    Examples
    --------
    >>> token_variance()
    p*(1 - p)*(1 - (1 - 1/n)**m)
    """
    p, u = sp.Symbol("p", nonnegative=True), sp.Function("u")
    moment = binomial_second_moment()
    after = moment.coeff(x, 1) * p + moment.coeff(x, 2) * u(m)
    solved = sp.rsolve(u(m + 1) - after, u(m), {u(0): p**2})
    if solved is None:
        raise DerivationError("the recursion was not solved")
    closed = p * (1 - p) * (1 - (1 - 1 / n) ** m)
    _require_equal(solved - p**2, closed, "the variance and its closed form")
    return closed


def _require_equal(left, right, what):
    if sp.simplify(left - right) != 0:
        raise DerivationError(f"{what} differ: {left} is not {right}")
