"""Steps between a model and its samples: chain, all outcomes, simulation, many-sample limit."""

from fractions import Fraction

import numpy as np
import pytest

from collapse_lib import recursion, steps, theory
from collapse_lib.markov import AbsorbingChain
from collapse_lib.schedules import FullySynthetic, PartiallySynthetic
from tests.verification import enumeration

P = (0.6, 0.3, 0.1)
F = (0.5, 1.0, 0.9)
N, GENERATIONS, REPLICATES, WIDTH = 4, 3, 1500, 4.5


# The steps once more, on tuples, in plain Python.


def normalised(weights):
    return tuple(w / sum(weights) for w in weights)


def temperature(p):
    return normalised([x ** (1 / 0.7) for x in p])


def top_k(p):
    best = sorted(range(len(p)), key=lambda i: (-p[i], i))[:2]
    return normalised([x if i in best else 0 for i, x in enumerate(p)])


def nucleus(p):
    kept, mass = [], 0
    for i in sorted(range(len(p)), key=lambda i: (-p[i], i)):
        if mass < 0.75 - 1e-12:
            kept.append(i)
        mass += p[i]
    return normalised([x if i in kept else 0 for i, x in enumerate(p)])


def min_p(p):
    return normalised([x if x >= 0.4 * max(p) else 0 for x in p])


def accept(p):
    return normalised([x * f for x, f in zip(p, F, strict=True)])


CASES = {
    "temperature": (temperature, steps.Temperature(0.7)),
    "top-k": (top_k, steps.TopK(2)),
    "nucleus": (nucleus, steps.Nucleus(0.75)),
    "min-p": (min_p, steps.MinP(0.4)),
    "filter": (accept, steps.Accept(F)),
    "both": (lambda p: temperature(accept(p)), (steps.Accept(F), steps.Temperature(0.7))),
}


def distribution(p, n, generations, processed):
    """Return the distribution of p^(m); the truth is not processed."""
    law = {tuple(p): 1.0}
    for m in range(generations):
        after = {}
        for model, weight in law.items():
            sampled = processed(model) if m else model
            for counts, probability in enumeration.outcomes(sampled, n):
                key = tuple(k / n for k in counts)
                after[key] = after.get(key, 0) + weight * probability
        law = after
    return law


@pytest.fixture(params=CASES)
def case(request):
    processed, step = CASES[request.param]
    return step, distribution(P, N, GENERATIONS, processed)


@pytest.mark.paper("Section 6", check="independent")
def test_chain_and_all_outcomes(case):
    step, law = case
    chain = AbsorbingChain(P, N, step)
    now = chain.start
    for _ in range(GENERATIONS - 1):
        now = now @ chain.transition_matrix
    for counts, probability in zip(chain.states, now, strict=True):
        assert probability == pytest.approx(law.get(tuple(counts / N), 0), abs=1e-12)


@pytest.mark.paper("Section 6", check="independent")
def test_simulation_and_all_outcomes(case):
    step, law = case
    runs = recursion.simulate(P, FullySynthetic(N), GENERATIONS, 20_000, 2, step)
    seen = runs.collision[:, GENERATIONS]
    expected = enumeration.mean(law, enumeration.collision)
    assert abs(seen.mean() - expected) < WIDTH * seen.std(ddof=1) / np.sqrt(seen.size)
    rngs = np.random.default_rng(2).spawn(REPLICATES)
    paths = [recursion.sample_path(P, FullySynthetic(N), GENERATIONS, r, step=step) for r in rngs]
    first = np.array(paths)[:, GENERATIONS, 0]
    error = first.std(ddof=1) / np.sqrt(REPLICATES)
    assert abs(first.mean() - enumeration.mean(law, lambda model: model[0])) < WIDTH * error
    # the variety, or else the mean of the first token, tells that there was a step
    plain = distribution(P, N, GENERATIONS, lambda p: p)
    apart = [
        abs(seen.mean() - enumeration.mean(plain, enumeration.collision)) * np.sqrt(seen.size),
        abs(first.mean() - P[0]) * np.sqrt(REPLICATES),
    ]
    assert apart[0] > WIDTH * seen.std() or apart[1] > WIDTH * first.std()


@pytest.mark.paper("Section 6", check="independent")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("real", [0, 10**6])
def test_many_samples_follow_the_deterministic_rounds(name, real):
    processed, step = CASES[name]
    n, generations = 10**6, 6
    schedule = PartiallySynthetic(real, n) if real else FullySynthetic(n)
    share = n / (n + real)
    q = np.array(P)
    for _ in range(generations - 1):
        q = (1 - share) * np.array(P) + share * np.array(processed(tuple(q)))
    path = recursion.sample_path(P, schedule, generations, 4, step=step)
    # noise of about sqrt(1/n) a token and generation, grown by 1/0.7 at most in each
    assert np.abs(path[-1] - q).max() < 6 * (1 / 0.7) ** generations / np.sqrt(n)
    late = (1 - share) * np.array(P) + share * np.array(processed(tuple(q)))
    early = path[2]
    if np.abs(early - late).max() > 0.02:  # it does move: an earlier round is another model
        assert np.abs(path[-1] - early).max() > 0.01


@pytest.mark.paper("Section 6", check="independent")
def test_a_verifier_is_the_counting_model_of_what_it_accepts():
    """All outcomes: given the accepted part of generation 1, it is counting on that."""
    p, right = (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)), (0, 1)

    def verified(model):
        kept = [x if i in right else Fraction(0) for i, x in enumerate(model)]
        return tuple(x / sum(kept) for x in kept) if sum(kept) else model

    n = 3
    first = {tuple(Fraction(k, n) for k in counts): w for counts, w in enumeration.outcomes(p, n)}
    for model, _ in first.items():
        if not sum(model[i] for i in right):
            continue
        start = verified(model)
        counting = enumeration.fully_synthetic(start, n, 2)[2]
        law = {start: Fraction(1)}
        for _ in range(2):
            after = {}
            for now, weight in law.items():
                for counts, probability in enumeration.outcomes(verified(now), n):
                    key = tuple(Fraction(k, n) for k in counts)
                    after[key] = after.get(key, 0) + weight * probability
            law = after
        assert law == counting
        # hence its variety is that of (6), from the collision probability of what is accepted
        level = enumeration.mean(law, enumeration.collision)
        assert level == theory.expected_collision(2, n, enumeration.collision(start))


def test_outside_a_fixed_set_the_share_of_real_data_is_what_is_left():
    """A verifier with real data kept: what it refuses keeps exactly 1 - alpha, on average."""
    p, real, synthetic = (0.5, 0.3, 0.2), 40, 60
    step = steps.Accept((1, 1, 0))
    rngs = np.random.default_rng(6).spawn(REPLICATES)
    schedule = PartiallySynthetic(real, synthetic)
    last = np.array([recursion.sample_path(p, schedule, 4, r, step=step)[4, 2] for r in rngs])
    error = last.std(ddof=1) / np.sqrt(REPLICATES)
    assert abs(last.mean() - 0.4 * 0.2) < WIDTH * error
    assert abs(last.mean() - 0.2) > WIDTH * error


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_simulated_filter_and_temperature_end_at_their_limits(share):
    n = 2 * 10**5
    schedule, p = PartiallySynthetic(round(n * (1 - share) / share), n), np.array(P)
    limits = {
        steps.Accept(F): theory.house_of_cards(p, F, share),
        steps.Temperature(0.8): theory.temperature_limit(p, 0.8, share),
    }
    for step, limit in limits.items():
        runs = recursion.simulate(p, schedule, 300, 4, 1, step)
        assert np.abs(runs.l1_from_first[:, 300] - np.abs(limit - p).sum()).max() < 0.03
        assert np.abs(runs.collision[:, 300] - limit @ limit).max() < 0.03
        assert np.abs(limit - p).sum() > 0.1
        assert abs(limit @ limit - p @ p) > 0.05
