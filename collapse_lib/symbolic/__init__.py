"""The closed forms again, derived by SymPy from first principles.

There is one function per result. Each derives its expression as its docstring says, checks it, and
raises `DerivationError` if the check fails. None returns a formula without checking it.

The symbols are named as in the paper. Pass them to `sympy.Expr.subs` and the like:

===========  =====================================================================================
``n``        samples per generation
``m``        the generation
``x``        the probability of one token
``S0``       the collision probability of the true distribution, written S_0
``S``        an undefined function: ``S(m)`` is the expected collision probability of generation m
``N``        real samples
``p``        the true probability of one token
``first``    the frequency of one token in the real corpus, written p_1
``beta``     the factor that `decay` returns
``T``        samples so far, where data accumulates; L in the book, whose T is the collapse time
``support``  tokens with positive probability, written s; with smoothing, all tokens
``A``        the sum of all pseudo-counts
``lam``      the weight of the uniform distribution in smoothing, written lambda
``share``    the share of synthetic data, written alpha
``tau``      the temperature
===========  =====================================================================================
"""

from collapse_lib.symbolic._core import S0, DerivationError, S, m, n, x
from collapse_lib.symbolic.bias import (
    A,
    expected_collision_smoothed,
    hill,
    lam,
    share,
    smoothed_limit,
    smoothed_recursion,
    smoothing_balance,
    tau,
    temperature_multiplier,
)
from collapse_lib.symbolic.collapse import (
    collapse_probability_bounds,
    collapse_time_bounds,
    collision_gap,
    geometric_sum,
    harmonic_gap,
    parents,
    reciprocal_parents,
    support,
)
from collapse_lib.symbolic.deviation import (
    budget,
    first,
    large_n_limits,
    mean_given_corpus,
    squared_deviation,
    squared_deviation_fresh,
    squared_deviation_from_truth,
    squared_deviation_given_corpus,
)
from collapse_lib.symbolic.families import (
    gaussian_moments,
    log_chi_square,
    projection_condition,
    variance_functions,
    variance_recursion,
)
from collapse_lib.symbolic.fully_synthetic import (
    binomial_second_moment,
    collision_recursion,
    expected_collision,
    token_variance,
)
from collapse_lib.symbolic.partially_synthetic import (
    N,
    beta,
    decay,
    expected_collision_mixed,
    gain,
    mixed_moment,
    mixed_moment_recursion,
    p,
    printed_residual,
    theorem_2,
)
from collapse_lib.symbolic.schedules import (
    T,
    accumulating_step,
    random_limit,
    random_step,
)
from collapse_lib.symbolic.training import cross_entropy_curvature, cross_entropy_gradient

__all__ = [
    "S0",
    "A",
    "DerivationError",
    "N",
    "S",
    "T",
    "accumulating_step",
    "beta",
    "binomial_second_moment",
    "budget",
    "collapse_probability_bounds",
    "collapse_time_bounds",
    "collision_gap",
    "collision_recursion",
    "cross_entropy_curvature",
    "cross_entropy_gradient",
    "decay",
    "expected_collision",
    "expected_collision_mixed",
    "expected_collision_smoothed",
    "first",
    "gain",
    "gaussian_moments",
    "geometric_sum",
    "harmonic_gap",
    "hill",
    "lam",
    "large_n_limits",
    "log_chi_square",
    "m",
    "mean_given_corpus",
    "mixed_moment",
    "mixed_moment_recursion",
    "n",
    "p",
    "parents",
    "printed_residual",
    "projection_condition",
    "random_limit",
    "random_step",
    "reciprocal_parents",
    "share",
    "smoothed_limit",
    "smoothed_recursion",
    "smoothing_balance",
    "squared_deviation",
    "squared_deviation_fresh",
    "squared_deviation_from_truth",
    "squared_deviation_given_corpus",
    "support",
    "tau",
    "temperature_multiplier",
    "theorem_2",
    "token_variance",
    "variance_functions",
    "variance_recursion",
    "x",
]
