// The true distribution: of Shakespeare's letters, of a formula, or of the reader's own text.
"use strict";

Laboratory.sources = (() => {
  const { Problem } = Laboratory;
  const numbered = (size) => Array.from({ length: size }, (_, i) => String(i + 1));

  // p_i in proportion to i^-a, a such that the sum of squares is `collision`.
  function powerLaw(support, collision) {
    if (Math.abs(collision * support - 1) < 1e-12) return uniform(support);
    if (collision < 1 / support) {
      throw new Problem(
        `The collision probability of ${support} tokens is at least ${(1 / support).toPrecision(3)}; it was ${collision}.`,
      );
    }
    const weights = (a) => {
      const w = Float64Array.from({ length: support }, (_, i) => Math.exp(-a * Math.log(i + 1)));
      const total = w.reduce((sum, x) => sum + x, 0);
      return w.map((x) => x / total);
    };
    const excess = (a) => weights(a).reduce((sum, x) => sum + x * x, 0) - collision;
    let low = 0;
    let high = 64;
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      if (excess(middle) < 0) low = middle;
      else high = middle;
    }
    return weights((low + high) / 2);
  }

  const uniform = (support) => new Float64Array(support).fill(1 / support);

  // { names, weights, unit }: the weights are probabilities or counts. `own` is what `text.count`
  // made of the reader's text.
  function of(state, own) {
    switch (state.source) {
      case "letters": {
        const { names, counts } = Laboratory.letters;
        return { names, weights: Float64Array.from(counts), unit: "letters" };
      }
      case "law": {
        const weights = powerLaw(state.support, state.collision);
        return { names: numbered(state.support), weights, unit: "tokens" };
      }
      case "uniform":
        return { names: numbered(state.support), weights: uniform(state.support), unit: "tokens" };
      case "two": {
        const weights = Float64Array.of(state.share, 1 - state.share);
        return { names: ["A", "B"], weights, unit: "tokens" };
      }
      default: {
        const counted = own?.[state.source];
        if (!counted) throw new Problem("There is no text yet: paste one, or open a file.");
        return { names: counted.names, weights: counted.counts, unit: state.source };
      }
    }
  }

  return { of, powerLaw, uniform };
})();
