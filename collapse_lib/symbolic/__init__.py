"""The closed forms again, derived by SymPy from first principles.

One function a result. Each builds its expression from what is named in its docstring,
checks it, and raises `DerivationError` if the check fails; none is a formula typed in.

The symbols are those of the paper: n samples per generation, m generations, x for the
probability of one token, S_0 and S_m for the (expected) collision probability, N real
samples where there are any, s for the number of tokens with positive probability.
"""

from collapse_lib.symbolic._core import S0, DerivationError, S, m, n, x
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
    "first",
    "gain",
    "geometric_sum",
    "harmonic_gap",
    "large_n_limits",
    "m",
    "mean_given_corpus",
    "mixed_moment",
    "mixed_moment_recursion",
    "n",
    "p",
    "parents",
    "printed_residual",
    "random_limit",
    "random_step",
    "reciprocal_parents",
    "squared_deviation",
    "squared_deviation_fresh",
    "squared_deviation_from_truth",
    "squared_deviation_given_corpus",
    "support",
    "theorem_2",
    "token_variance",
    "x",
]
