"""Closed forms, on plain numbers.

One context; every model is the maximum likelihood fit to its samples. Each function names
the equation of the paper it stands for and the schedule it holds for. Rational input
(`fractions.Fraction`) gives a rational, exact result.
"""

from collapse_lib.theory.fully_synthetic import (
    collapse_probability_bounds,
    collapse_probability_lower_bound,
    collapse_time_bounds,
    collapse_time_diffusion,
    collapse_time_upper_bound,
    expected_collision,
)
from collapse_lib.theory.partially_synthetic import (
    expected_collision_mixed,
    expected_collision_mixed_as_printed,
    squared_deviation,
)

__all__ = [
    "collapse_probability_bounds",
    "collapse_probability_lower_bound",
    "collapse_time_bounds",
    "collapse_time_diffusion",
    "collapse_time_upper_bound",
    "expected_collision",
    "expected_collision_mixed",
    "expected_collision_mixed_as_printed",
    "squared_deviation",
]
