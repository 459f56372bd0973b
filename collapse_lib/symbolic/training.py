"""Training as minimisation: the gradient and the curvature of the cross-entropy."""

import sympy as sp

from collapse_lib import _checks
from collapse_lib.symbolic._core import require_equal


def cross_entropy_gradient(tokens=3):
    """Return the gradient of the cross-entropy of one context in its logits (Appendix 8.1).

    SymPy differentiates ``-sum_k N_k / N log softmax(w)_k``, where the counts N_k add up to N.

    Parameters
    ----------
    tokens : int, optional
        Vocabulary size, at least 1.

    Returns
    -------
    sympy.Matrix
        A column in the symbols w_1, w_2, ... and N_1, N_2, ...

    Raises
    ------
    ValueError
        If `tokens` is less than 1 or above 10.
    DerivationError
        If it differs from ``softmax(w)`` minus the frequencies.

    Examples
    --------
    >>> cross_entropy_gradient(tokens=2)[0]
    -N_1/(N_1 + N_2) + exp(w_1)/(exp(w_1) + exp(w_2))
    """
    tokens = _checks.integer(tokens, "tokens", 1, 10)
    weights, counts, model, loss = _cross_entropy(tokens)
    frequencies = [count / sum(counts) for count in counts]
    found = []
    for k in range(tokens):
        require_equal(loss.diff(weights[k]), model[k] - frequencies[k], f"entry {k + 1}")
        found.append(model[k] - frequencies[k])
    return sp.Matrix(found)


def cross_entropy_curvature(tokens=3):
    """Return the second derivative of the cross-entropy of one context along a direction v.

    Parameters
    ----------
    tokens : int, optional
        Vocabulary size, at least 1.

    Returns
    -------
    sympy.Expr
        In the symbols v_k and q_k, where ``q = softmax(w)``. It is a sum of squares with positive
        weights, which is 0 only if all v_k are equal.

    Raises
    ------
    ValueError
        If `tokens` is less than 1 or above 10.
    DerivationError
        If it differs from ``v^T H v``, where H is the Hessian of the cross-entropy.

    Examples
    --------
    >>> cross_entropy_curvature(tokens=2)
    q_1*q_2*(v_1 - v_2)**2
    """
    tokens = _checks.integer(tokens, "tokens", 1, 10)
    weights, _, model, loss = _cross_entropy(tokens)
    direction = sp.Matrix(_numbered("v", tokens))
    second = (direction.T * sp.hessian(loss, weights) * direction)[0]
    pairs = [(k, j) for k in range(tokens) for j in range(k)]
    squares = [(direction[j] - direction[k]) ** 2 for k, j in pairs]
    by_pairs = sum(
        model[j] * model[k] * square for (k, j), square in zip(pairs, squares, strict=True)
    )
    require_equal(second, by_pairs, "the second derivative and its sum over pairs")
    q = _numbered("q", tokens)
    return sum(q[j] * q[k] * square for (k, j), square in zip(pairs, squares, strict=True))


def _cross_entropy(tokens):
    """Return the logits, the counts, the softmax of the logits and the cross-entropy."""
    weights, counts = _numbered("w", tokens), _numbered("N", tokens)
    total = sum(map(sp.exp, weights))
    model = [sp.exp(weight) / total for weight in weights]
    logarithms = [count * sp.log(q) for count, q in zip(counts, model, strict=True)]
    return weights, counts, model, -sum(logarithms) / sum(counts)


def _numbered(name, tokens):
    return sp.symbols(f"{name}_1:{tokens + 1}", real=True, positive=True if name == "N" else None)
