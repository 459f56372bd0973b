"""Closed forms, on plain numbers.

Everything here is about one context, except `limited_loss`. Every model is the maximum likelihood
fit to its samples, unless a function says that it is smoothed or processed. Each function names its
schedule, and its equation in the paper if there is one. Where a function says so under Returns,
rational input (`fractions.Fraction`) gives an exact result, as long as no other argument is an
array.
"""

from collapse_lib.theory.bias import (
    balanced_pseudocounts,
    bias_ceiling,
    expected_collision_mixed_smoothed,
    expected_collision_smoothed,
)
from collapse_lib.theory.budgets import (
    budget,
    budget_as_printed,
    budget_linear,
    budget_quadratic,
    budget_with_confidence,
)
from collapse_lib.theory.collapse_time import (
    collapse_time_bounds,
    collapse_time_diffusion,
    collapse_time_diffusion_bounds,
    collapse_time_diffusion_by_winner,
    collapse_time_upper_bound,
)
from collapse_lib.theory.concentration import (
    concentration_factor,
    log_concentration_factor,
    most_balanced_split,
    most_balanced_split_bounds,
    phi,
)
from collapse_lib.theory.deviation import (
    deviation_bound,
    deviation_bound_given_corpus,
    deviation_bound_sharp,
    deviation_bound_split,
    deviation_probability_bound,
    expected_chi_square,
    zeta,
)
from collapse_lib.theory.families import (
    expected_variance,
    gaussian_log_growth,
    limited_loss,
    poisson_extinction,
    squared_distance_from_first,
    squared_distances,
)
from collapse_lib.theory.fully_synthetic import (
    collapse_probability_bounds,
    collapse_probability_lower_bound,
    expected_collision,
)
from collapse_lib.theory.limits import (
    best_weight,
    distance_limit_given_corpus,
    expected_collision_accumulating_limit,
    squared_deviation_weighted,
)
from collapse_lib.theory.partially_synthetic import (
    expected_collision_mixed,
    expected_collision_mixed_as_printed,
    squared_deviation,
    squared_deviation_fresh,
    squared_deviation_from_truth,
)
from collapse_lib.theory.schedules import (
    expected_collision_accumulating,
    expected_collision_random,
    expected_collisions,
)
from collapse_lib.theory.selection import (
    house_of_cards,
    nucleus_limit,
    survival_with_filter,
    survival_with_temperature,
    temperature_limit,
    temperature_threshold,
)
from collapse_lib.theory.tail import alive_bounds, tokens_left_bound

# In the order of the page on this module, by regime.
__all__ = [  # noqa: RUF022
    # synthetic data alone
    "expected_collision",
    "collapse_probability_bounds",
    "collapse_probability_lower_bound",
    "collapse_time_bounds",
    "collapse_time_upper_bound",
    "collapse_time_diffusion",
    "collapse_time_diffusion_by_winner",
    "collapse_time_diffusion_bounds",
    "alive_bounds",
    "tokens_left_bound",
    # a real corpus that is kept, and samples of the last model
    "expected_collision_mixed",
    "expected_collision_mixed_as_printed",
    "squared_deviation",
    "squared_deviation_from_truth",
    "squared_deviation_fresh",
    "squared_deviation_weighted",
    "best_weight",
    "distance_limit_given_corpus",
    # how far a model strays from the first one, and how much synthetic data that allows
    "deviation_bound",
    "deviation_bound_split",
    "deviation_bound_sharp",
    "deviation_bound_given_corpus",
    "deviation_probability_bound",
    "expected_chi_square",
    "zeta",
    "phi",
    "most_balanced_split",
    "most_balanced_split_bounds",
    "concentration_factor",
    "log_concentration_factor",
    "budget",
    "budget_as_printed",
    "budget_linear",
    "budget_quadratic",
    "budget_with_confidence",
    # other mixtures
    "expected_collisions",
    "expected_collision_accumulating",
    "expected_collision_accumulating_limit",
    "expected_collision_random",
    # every family, and models of limited size
    "expected_variance",
    "squared_distance_from_first",
    "squared_distances",
    "gaussian_log_growth",
    "poisson_extinction",
    "limited_loss",
    # bias that repeats
    "bias_ceiling",
    "expected_collision_smoothed",
    "expected_collision_mixed_smoothed",
    "balanced_pseudocounts",
    # choosing what to keep
    "temperature_limit",
    "temperature_threshold",
    "nucleus_limit",
    "house_of_cards",
    "survival_with_filter",
    "survival_with_temperature",
]
