// What is done to a model's distribution before it is sampled: collapse_lib.steps, on arrays.
"use strict";

Laboratory.steps = (() => {
  const EPSILON = Number.EPSILON;

  const largest = (p) => p.reduce((most, x) => (x > most ? x : most), 0);

  function normalised(weights) {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i];
    for (let i = 0; i < weights.length; i++) weights[i] /= total;
    return weights;
  }

  // Places from the likeliest token on; of equal ones the lower index comes first.
  const order = (p) => Array.from(p.keys()).sort((i, j) => p[j] - p[i] || i - j);

  function only(p, places) {
    const kept = new Float64Array(p.length);
    for (const i of places) kept[i] = p[i];
    return normalised(kept);
  }

  function temperature(p, tau) {
    const most = largest(p);
    return normalised(Float64Array.from(p, (x) => (x / most) ** (1 / tau)));
  }

  const topK = (p, k) => (k >= p.length ? normalised(p.slice()) : only(p, order(p).slice(0, k)));

  function nucleus(p, mass) {
    const places = order(p);
    const total = p.reduce((sum, x) => sum + x, 0);
    let before = 0;
    let kept = 0;
    // Sums are compared within some roundings, so that 0.5 + 0.4 reaches 0.9.
    while (kept < places.length && (before <= 0 || before < mass - 16 * EPSILON)) {
      before += p[places[kept++]] / total;
    }
    return only(p, places.slice(0, kept));
  }

  function minP(p, ratio) {
    // Compared within some roundings, so that 1/12 is a tenth of 10/12.
    const least = ratio * (1 - 16 * EPSILON) * largest(p);
    return normalised(Float64Array.from(p, (x) => (x >= least ? x : 0)));
  }

  function accept(p, f) {
    const accepted = Float64Array.from(p, (x, i) => x * f(i));
    if (!accepted.some((x) => x > 0)) {
      throw new Laboratory.Problem(
        "A model has no token left that the filter accepts; let more pass, or take more samples.",
      );
    }
    return normalised(accepted);
  }

  // `step` names the values that differ from doing nothing; `tokens` says which token stands at
  // which place of p, for the filter: the first `right` tokens always pass, the others with
  // probability `pass`.
  function apply(step, p, tokens) {
    let q = p;
    if (step.temperature !== 1) q = temperature(q, step.temperature);
    if (step.topK > 0) q = topK(q, step.topK);
    if (step.nucleus < 1) q = nucleus(q, step.nucleus);
    if (step.minP > 0) q = minP(q, step.minP);
    if (step.pass < 1) q = accept(q, (i) => (tokens[i] < step.right ? 1 : step.pass));
    return q;
  }

  const NONE = { temperature: 1, topK: 0, nucleus: 1, minP: 0, right: 10, pass: 1 };
  const isNone = (step) =>
    step.temperature === 1 && !(step.topK > 0) && step.nucleus >= 1 && !(step.minP > 0) && step.pass >= 1;

  return { apply, temperature, topK, nucleus, minP, accept, isNone, NONE };
})();
