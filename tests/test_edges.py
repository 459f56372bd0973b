"""Values at the edges, where rounding, overflow or a silent conversion would do harm."""

import itertools
import math
import re
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from collapse_lib import _checks, coalescent, contexts, distributions, markov, theory
from tests.support import interrupt

HALF = [0.5, 0.5]


class TestTheory:
    def test_a_generation_that_forgets_all(self):
        """With n = 1, beta is 0: rounding made 1 - beta more than 1, and its logarithm NaN."""
        exact = theory.expected_collision_mixed(3, 268435461, 1, Fraction(1, 10))
        assert theory.expected_collision_mixed(3, 268435461, 1, 0.1) == pytest.approx(float(exact))
        rng = np.random.default_rng(0)
        for real in rng.integers(1, 2**40, 2000).tolist():
            assert not math.isnan(theory.expected_collision_mixed(3, real, 1, 0.1))

    def test_many_generations_of_many_samples(self):
        """(1 - 1/n)^m, where 1 - 1/n is 1 in floats."""
        _, upper = theory.collapse_probability_bounds(10**18, 10**17, 0.1, 52)
        assert upper == pytest.approx(1 - 0.9 / (1 - 1 / 52) * math.exp(-10), rel=1e-12)
        lower = theory.collapse_probability_lower_bound(10**18, 10**17)
        assert lower == pytest.approx(1 - 3 * math.exp(-10), rel=1e-12)
        array = theory.collapse_probability_lower_bound([2**62], [2**62])  # 3n overflows
        assert array == pytest.approx(1 - 3 * math.exp(-1))

    @pytest.mark.parametrize("steps", [0, 1, 3, 10, 300])
    def test_what_is_left_is_exact(self, steps):
        exact = theory.collapse_probability_bounds(max(steps, 1), 7, Fraction(1, 5), 9)
        floats = theory.collapse_probability_bounds(max(steps, 1), 7, 0.2, 9)
        assert floats == pytest.approx(list(map(float, exact)), rel=1e-13)
        printed = theory.expected_collision_mixed_as_printed(steps + 1, 5, 9, Fraction(1, 5))
        floats = theory.expected_collision_mixed_as_printed(steps + 1, 5, 9, 0.2)
        assert floats == pytest.approx(float(printed), rel=1e-13)

    def test_a_little_loss_is_not_lost(self):
        accumulating = theory.expected_collision_accumulating(3, 10**16, 1, 0.0)
        assert accumulating == pytest.approx(1e-16 + 2e-32, rel=1e-12)
        exact = theory.expected_collision_accumulating(300, 5, 3, Fraction(1, 10))
        assert theory.expected_collision_accumulating(300, 5, 3, 0.1) == pytest.approx(float(exact))
        exact = theory.expected_collision_random(300, 5, Fraction(1, 10))
        assert theory.expected_collision_random(300, 5, 0.1) == pytest.approx(float(exact))

    @pytest.mark.parametrize(
        ("call", "limit"),
        [
            (lambda: theory.expected_collision(10**9, 4, Fraction(1, 2)), "binary digits"),
            (
                lambda: theory.squared_distance_from_first(10**6, 3, 4, Fraction(1, 2), -1),
                "binary digits",
            ),
            (lambda: theory.expected_collision_random(10**9, 4, 0.5), "at most 10000000"),
            (lambda: theory.expected_collision_accumulating(10**9, 4, 1, 0.5), "at most 10000000"),
            (lambda: theory.collapse_time_upper_bound(HALF, 10**9), "at most 1000000"),
            (lambda: theory.expected_collision(10**400, 4, 0.5), "m must be an integer of at most"),
        ],
    )
    def test_what_would_take_for_ever_is_refused(self, call, limit):
        with pytest.raises(ValueError, match=limit):
            call()


class TestBudgets:
    def test_examples(self):
        assert theory.budget(5, [1 / 6] * 6, 0.5) == 5
        assert theory.budget(5, [Fraction(1, 6)] * 6, Fraction(1, 2)) == 5
        assert theory.budget_linear(6, Fraction(1, 3)) == 1
        assert theory.budget_quadratic(6, 5, Fraction(1, 3)) == 1
        assert theory.budget_linear(10, np.float32(0.7)) == 3

    def test_a_tolerance_that_no_distance_exceeds(self):
        p = [1 / 600] * 600
        for epsilon in (2, 2.5, 7, Fraction(9, 4)):
            assert theory.budget(2, p, epsilon) == math.inf
            assert theory.budget_with_confidence(5, 40, epsilon, 0.05) == math.inf
        # just below, the formulas: 4 * 4 / (599 / 2 - 5 * 4), and N^2 / (2 (L - N)) with L = 7.68
        assert theory.budget(2, p, 1.999999) == 0
        assert theory.budget_with_confidence(5, 40, 1.999999, 0.05) == 4
        with pytest.raises(ValueError, match="p must sum to 1"):
            theory.budget(2, [0.5, 0.6], 3)

    def test_a_tolerance_too_small_for_floats(self):
        assert theory.budget_as_printed(1, 65, 5e-324) == 0
        assert theory.budget_as_printed(2**62, 65, 5e-324) == 0

    def test_on_the_border_with_rational_q(self):
        """Uniform on s tokens, Q^2 = s - 1: the budget of an epsilon that n meets exactly is n."""
        for real, s, n in itertools.product(range(2, 40), range(2, 20), range(1, 30)):
            square = self.squared_tolerance(real, s, n)
            root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
            if root**2 == square and root < 2:
                assert theory.budget(real, [1 / s] * s, root) == n
        assert theory.budget(5, [1 / 6] * 6, self.squared_tolerance(5, 6, 5) ** 0.5) == 5

    @staticmethod
    def squared_tolerance(real, s, n):
        """Return the epsilon^2 that n samples of a uniform distribution on s tokens meet."""
        return Fraction(n * (s - 1) * (real - 1), real * (real**2 + (2 * real + 1) * n))

    def test_close_to_the_border(self):
        rng = np.random.default_rng(0)
        for real, s, n in rng.integers(2, 400, (300, 3)).tolist():
            square = self.squared_tolerance(real, s, n)
            p = [1 / s] * s
            close = Fraction(math.sqrt(square))
            for epsilon in (close * (1 + Fraction(1, 10**14)), close * (1 - Fraction(1, 10**14))):
                allowed = real**3 * epsilon**2
                needed = (real - 1) * (s - 1) - real * (2 * real + 1) * epsilon**2
                if epsilon < 2:
                    exact = allowed // needed if needed > 0 else math.inf
                    assert theory.budget(real, p, epsilon) == exact


class TestCoalescent:
    def test_small_probabilities_keep_their_digits(self):
        exact = coalescent.collapse_time_cdf([Fraction(1, 2)] * 2, 30, 20)
        floats = coalescent.collapse_time_cdf(HALF, 30, 20)
        np.testing.assert_allclose(floats, exact.astype(float), rtol=1e-12)
        assert coalescent.collapse_time_cdf(HALF, 100, 4)[1] == pytest.approx(2.0**-99, rel=1e-14)

    def test_rows_one_by_one_are_those_of_the_matrix(self, monkeypatch):
        x, p = [0.0, 0.2, 0.9, 0.999, 1.0], [0.7, 0.2, 0.1]
        dense = coalescent.generating_function(x, 400, 50), coalescent.collapse_time_cdf(p, 400, 50)
        monkeypatch.setattr(coalescent, "DENSE", 10)
        monkeypatch.setattr(coalescent, "BLOCK", 500)
        thin = coalescent.generating_function(x, 400, 50), coalescent.collapse_time_cdf(p, 400, 50)
        for a, b in zip(dense, thin, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)
        assert (thin[0][:, 4] == 1).all()

    def test_a_large_context_takes_little_memory(self):
        tracemalloc.start()
        found = contexts.collapse([[59_998, 2]], 2)
        assert tracemalloc.get_traced_memory()[1] < 3e8  # a matrix of all pairs would take 3e10
        tracemalloc.stop()
        # Generation 1 is all the first token with probability (1 - 2/n)^n.
        n = 60_000
        assert found.expected[1] == pytest.approx(math.exp(n * math.log1p(-2 / n)), rel=1e-10)
        assert found.expected[2] > found.expected[1]

    def test_the_expected_time_of_many_samples(self):
        """Within the known distance of its diffusion limit; no matrix of a billion numbers."""
        time_ = coalescent.expected_collapse_time(HALF, 30_000)
        limit = theory.collapse_time_diffusion(HALF, 30_000)
        assert limit - 1 - 0.75 * math.log(30_000) <= time_ <= limit + 1

    @pytest.mark.parametrize(
        "call",
        [
            lambda: coalescent.transition_matrix(10**6),
            lambda: coalescent.lineages(10**5, 10**5),
            lambda: coalescent.collapse_time_cdf(HALF, 2**62, 3),
            lambda: coalescent.collapse_time_cdf(HALF, 3, 2**62),
            lambda: coalescent.expected_collapse_time([Fraction(1, 2)] * 2, 1000),
            lambda: coalescent.tail_constant(2**62),
            lambda: contexts.collapse([[2**62, 2**62]], 3),
            lambda: contexts.collapse([[1, 1]], 2**62),
            lambda: contexts.zipf_counts([2**62], 10, 0),
            lambda: contexts.zipf_counts([5], 2**62, 0),
            lambda: markov.AbsorbingChain(HALF, 2**62),
            lambda: markov.AbsorbingChain([1 / 10**5] * 10**5, 10**5),
            lambda: markov.AbsorbingChain(HALF, 3).collapse_time_cdf(2**62),
            lambda: distributions.uniform(2**62, 2),
            lambda: distributions.dirichlet(2**62, 1, 0),
        ],
    )
    def test_limits_have_a_name(self, call):
        with pytest.raises(ValueError, match=r"at most|states"):
            call()


class TestChecks:
    def test_l1_distance_along_an_axis(self):
        p, q = [[1, 0.5], [0, 0.5]], [1, 0]
        assert distributions.l1_distance(p, q, axis=0).tolist() == [0, 1]
        assert distributions.l1_distance(q, p, axis=0).tolist() == [0, 1]
        assert distributions.l1_distance(p, p, axis=0).tolist() == [0, 0]

    def test_rows_of_a_network_are_accepted_and_sum_to_one(self):
        rng = np.random.default_rng(0)
        logits = rng.normal(0, 4, (200, 5000)).astype(np.float32)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows = e / e.sum(axis=1, keepdims=True)
        off = np.abs(rows.astype(float).sum(axis=1) - 1)
        assert (off > 1e-9).mean() > 0.5  # doubles would be refused
        assert distributions.collision_probability(rows).shape == (200,)
        checked = _checks.probabilities(rows, "p")
        np.testing.assert_allclose(checked.sum(axis=1), 1, rtol=1e-14)
        assert checked.dtype == float
        with pytest.raises(ValueError, match=r"p must sum to 1 within 9\.5e-07"):
            distributions.collision_probability(rows[0] * np.float32(1.00001))
        with pytest.raises(ValueError, match="p must sum to 1 within 1e-09"):
            distributions.collision_probability(rows.astype(float))

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: distributions.entropy(HALF, axis="a"), "axis must be an integer, got 'a'"),
            (lambda: distributions.entropy(HALF, axis=None), "axis must be an integer, got None"),
            (lambda: distributions.entropy([1, [1, 2]]), "p must be an array of numbers, got [1,"),
            (lambda: distributions.entropy([10**400]), "p must be an array of numbers, got [1000"),
            (
                lambda: distributions.entropy(np.ma.array([0.5, 0.5, 9], mask=[0, 0, 1])),
                "p must be an array without a mask",
            ),
            (
                lambda: distributions.dirichlet(3, 1, np.random.RandomState(0)),
                "got RandomState(MT19937) at",
            ),
            (
                lambda: distributions.uniform(np.timedelta64(5, "D"), 2),
                "size must be an integer of at least 1, got np.timedelta64(5,'D')",
            ),
            (
                lambda: theory.expected_collision(np.array([1], "m8[s]"), 3, 0.5),
                "m must hold integers, got an array of timedelta64[s]",
            ),
            (lambda: theory.expected_collision([1, [2, 3]], 3, 0.5), "m must be an array of numb"),
            (lambda: distributions.uniform(10**400, 2), "size must be an integer of at most"),
            (lambda: distributions.dirichlet(3, 10**400, 0), "concentration must be a finite"),
        ],
    )
    def test_errors_name_the_argument(self, call, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            call()

    def test_messages_end(self):
        with pytest.raises(ValueError, match="size must be an integer") as caught:
            distributions.uniform([1.5] * 10**5, 2)
        assert len(str(caught.value)) < 400


LONG = {
    "alone": "recursion.simulate([1e-3] * 1000, schedules.FullySynthetic(10**5), 100, 10**5, 0)",
    "ancestry": "recursion.collapse_times([.5, .5], 10**4, 10**6, 0)",
    "bound": "theory.collapse_time_upper_bound([1 - 1e-12, 1e-12] + [0.] * 99999, 10**6)",
    "chain": "markov.AbsorbingChain([.5, .5], 3900).fundamental_matrix()",
    "coalescent": "coalescent.collapse_time_cdf([.5, .5], 10**6, 10**6)",
    "contexts": "contexts.collapse([[5 * 10**5, 5 * 10**5]], 1000)",
    "models": "recursion.sample_models([1e-3] * 1000, 10**6, 10**5, 1000, 0)",
    "one run": "recursion.simulate([1e-5] * 10**5, schedules.FullySynthetic(10**9), 3000, 1, 0)",
    "step": "recursion.simulate([1e-3] * 1000, KEPT, 300, 10**5, 0, steps.TopK(900))",
    "schedule": "recursion.simulate([1e-3] * 1000, KEPT, 300, 10**5, 0)",
    "sweep": "sweeps.run(task, sweeps.grid(i=range(10**6)), 0)",
    "symbolic": "while True: symbolic.cross_entropy_gradient()",
    "time": "coalescent.expected_collapse_time([.5, .5], 10**6)",
}
PROGRAM = """
import time
from collapse_lib import coalescent, contexts, markov, recursion, schedules, steps, sweeps
from collapse_lib import symbolic, theory
KEPT = schedules.Accumulating(1000, 1000)
def task(rng, i): return {"mean": rng.random(10**6).mean()}
for step in (None, steps.TopK(1)):  # what is compiled is compiled before
    for schedule in (schedules.FullySynthetic(2), KEPT):
        recursion.simulate([.5, .5], schedule, 2, 1, 0, step)
recursion.collapse_times([.5, .5], 2, 1, 0), recursion.sample_models([.5, .5], 2, 1, 1, 0)
print("begun", flush=True)
"""


@pytest.mark.parametrize("name", LONG)
def test_an_interrupt_ends_a_long_call_within_a_second_or_two(name):
    """It is noticed between two calls of NumPy or runs of a kernel, none of which is long.

    The seconds are processor time, since the machine may be busy.
    """
    command = [sys.executable, "-c", f"{PROGRAM}{LONG[name]}\nprint('ended')"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        begun = running.stdout.readline()
        time.sleep(1)
        out, error, seconds = interrupt(running)
    assert begun == "begun\n", error
    if name != "chain":  # a second or two in all on a quick machine
        assert "KeyboardInterrupt" in error
        assert not out
    assert seconds < 2
