// What the counts at hand allow: losses of the next generation, budgets, confidence, repeated bias.
"use strict";

Laboratory.planner = (() => {
  const spread = (p) => p.reduce((sum, x) => sum + Math.sqrt(x * (1 - x)), 0);
  const sum = (p, f) => p.reduce((total, x) => total + f(x), 0);

  // Expected number of tokens that n samples of p lack, and the probability of each.
  const missed = (x, n) => Math.exp(n * Math.log1p(-x));
  const expectedLoss = (p, n) => sum(p, (x) => (x > 0 ? missed(x, n) : 0));
  const inDanger = (p, n) => Array.from(p.keys()).filter((i) => p[i] > 0 && missed(p[i], n) > 0.5);

  // The largest n with which a bound on E ||p^(m) - p^(1)||_1 is at most epsilon in every generation,
  // real corpus kept; any n from epsilon = 2 on, since no distance exceeds 2. With the
  // truth p it is collapse_lib.theory.budget; with the frequencies of the corpus at hand the
  // expectation is over what the models write alone, and there is no factor 1 - 1/N.
  const budget = (real, p, epsilon) => largest(real, spread(p) ** 2 * (1 - 1 / real), epsilon);
  const budgetGivenCorpus = (real, p, epsilon) => largest(real, spread(p) ** 2, epsilon);

  function largest(real, squaredSpread, epsilon) {
    if (epsilon >= 2) return Infinity;
    const squared = epsilon ** 2;
    const denominator = squaredSpread - (2 * real + 1) * squared;
    if (denominator <= 1e-12 * squaredSpread) return Infinity;
    return floor((real ** 2 * squared) / denominator);
  }

  // Rounded down, unless only a rounding error keeps a number from being whole.
  function floor(x) {
    const nearest = Math.round(x);
    return Math.abs(x - nearest) < 1e-10 * Math.max(1, x) ? nearest : Math.floor(x);
  }

  // The largest n with P(||p^(m) - p^(1)||_1 >= epsilon) <= risk, given a corpus of N samples with k
  // distinct tokens: (2^k - 2) exp(-epsilon^2 N (N + 2n) / (2n)) <= risk.
  function budgetConfident(real, distinct, epsilon, risk) {
    if (distinct < 2 || epsilon >= 2) return Infinity;
    const logUnion = distinct * Math.LN2 + Math.log1p(-(2 ** (1 - distinct)));
    const needed = (logUnion - Math.log(risk)) / epsilon ** 2;
    return needed <= real ? Infinity : floor(real ** 2 / (2 * (needed - real)));
  }

  // How far a step moves p, in 1-norm: b. With real data kept, a step that moves no model by more
  // leaves all of them within b n/N of the truth, in the limit of many samples.
  function bias(step, p) {
    const places = Int32Array.from(p.keys());
    const q = Laboratory.steps.apply(step, p, places);
    return p.reduce((total, x, i) => total + Math.abs(x - q[i]), 0);
  }

  const biasCeiling = (b, real, n) => (b * n) / real;

  return {
    expectedLoss, inDanger, missed, budget, budgetGivenCorpus, budgetConfident, bias, biasCeiling,
  };
})();
