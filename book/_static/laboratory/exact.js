// The book's exact results: expected collision probabilities S_0, ..., S_M of every schedule that has
// them, and the distribution of the collapse time.
"use strict";

Laboratory.exact = (() => {
  const each = (generations, f) => Float64Array.from({ length: generations + 1 }, (_, m) => f(m));

  // Synthetic data alone, equation (6).
  const alone = (generations, n, s0) => each(generations, (m) => 1 - (1 - 1 / n) ** m * (1 - s0));

  // The real corpus kept: equation (9) with its sign corrected.
  function kept(generations, real, n, s0) {
    const beta = (n * (n - 1)) / (real + n) ** 2;
    const first = 1 / real + (1 - 1 / real) * s0;
    const limit = n / (real * real + (2 * real + 1) * n);
    return each(generations, (m) =>
      m === 0 ? s0 : first + (1 - beta ** (m - 1)) * limit * (1 - 1 / real) * (1 - s0),
    );
  }

  // Fresh real data: every generation but the first mixes two independent corpora.
  function fresh(generations, real, n, s0) {
    const v = real / (real + n);
    const w = n / (real + n);
    let s = s0;
    return each(generations, (m) => {
      if (m === 0) return s0;
      const ownReal = s0 + (1 - s0) / real;
      if (m === 1) return (s = ownReal);
      return (s = v * v * ownReal + 2 * v * w * s0 + w * w * (s + (1 - s) / n));
    });
  }

  // Equal shares of the last `window` models. Let <t, u> be the expected inner product of the
  // frequencies of models t and u. It is the mean of <t, v> over the models v that u was trained
  // on, for t < u; only the last `window` models matter, so rows are kept in a ring. sums[t] is
  // the sum of <t, v> over the models v of the present window.
  function windowed(generations, n, window, reuse, s0) {
    const k = Math.floor(n / window);
    const result = each(generations, () => s0);
    const place = (t, u) => (t % window) * window + (u % window);
    const inner = new Float64Array(window * window);
    const sums = new Float64Array(window);
    const own = (s) => (reuse ? s + (1 - s) / k : s);
    inner[place(0, 0)] = own(s0);
    sums[0] = own(s0);
    for (let m = 1; m <= generations; m++) {
      const first = Math.max(0, m - window);
      const sources = m - first;
      let square = 0;
      let noise = 0;
      for (let t = first; t < m; t++) {
        square += sums[t % window];
        noise += (1 - result[t]) / k;
      }
      result[m] = square / sources ** 2 + (reuse ? 0 : noise / sources ** 2);
      // Model m joins the window; the oldest leaves it where the window is full.
      const leaves = sources === window ? first : -1;
      const before = new Float64Array(window);
      for (let t = first; t < m; t++) before[t % window] = sums[t % window] / sources;
      let total = own(result[m]);
      for (let t = first; t < m; t++) {
        if (t === leaves) continue;
        const product = before[t % window];
        if (leaves >= 0) sums[t % window] -= inner[place(t, leaves)];
        sums[t % window] += product;
        total += product;
      }
      for (let t = first; t < m; t++) {
        if (t === leaves) continue;
        inner[place(t, m)] = inner[place(m, t)] = before[t % window];
      }
      inner[place(m, m)] = own(result[m]);
      sums[m % window] = total;
    }
    return result;
  }

  function accumulating(generations, real, n, s0) {
    let left = (1 - s0) * (1 - 1 / real);
    return each(generations, (m) => {
      if (m === 0) return s0;
      if (m > 1) left *= 1 - n / (real + (m - 1) * n) ** 2;
      return 1 - left;
    });
  }

  function random(generations, n, s0) {
    let left = 1 - s0;
    return each(generations, (m) => {
      if (m > 0) left *= 1 - 1 / (n * m * m);
      return 1 - left;
    });
  }

  // Pseudo-counts A in all over `size` tokens, synthetic data alone.
  function smoothed(generations, n, size, pseudocounts, s0) {
    const share = (n / (n + pseudocounts)) ** 2;
    let s = s0;
    return each(generations, (m) => {
      if (m > 0) s = share * (1 / n + (1 - 1 / n) * s) + (1 - share) / size;
      return s;
    });
  }

  // What the book has for these options: the curve, the name of its theorem and where it stands.
  function collision(options, s0, size) {
    const { schedule, n, real, window, reuse, generations, pseudocounts } = options;
    if (!Laboratory.steps.isNone(options.step)) return null;
    const found = (values, name, page) => ({ values, name, page });
    if (pseudocounts > 0) {
      if (schedule !== "alone") return null;
      const values = smoothed(generations, n, size, pseudocounts, s0);
      return found(values, "Smoothing, synthetic data alone", "repeated_bias.html#thm-smoothing");
    }
    switch (schedule) {
      case "alone":
        return found(
          alone(generations, n, s0),
          "Expected collision probability, equation (P6)",
          "expected_collision.html#thm-expected-collision",
        );
      case "kept":
        return found(
          kept(generations, real, n, s0),
          "Model variation, equation (P9) corrected",
          "model_variation.html#thm-variation",
        );
      case "fresh":
        return found(
          fresh(generations, real, n, s0),
          "Fresh real data",
          "how_much_synthetic.html#thm-fresh",
        );
      case "window":
        if (window * generations > 2e7) return null;
        return found(
          windowed(generations, n, window, reuse, s0),
          "Inner products of samples",
          "other_mixtures.html#prop-inner",
        );
      case "accumulating":
        return found(
          accumulating(generations, real, n, s0),
          "Accumulating data",
          "other_mixtures.html#thm-accumulating",
        );
      case "random":
        if (reuse) return null;
        return found(random(generations, n, s0), "Randomly sampled data", "other_mixtures.html#thm-random");
    }
    return null;
  }

  const MOST_SAMPLES = 400;
  const NEGLIGIBLE = 1e-25;

  // Synthetic data alone: the distribution of the number of distinct ancestors in generation 1, for
  // m = 1, 2, ... Calls visit(m, chances), where chances[k] is the probability of k ancestors.
  function ancestors(n, generations, visit) {
    const parents = parentRows(n);
    let chances = new Float64Array(n + 1);
    let most = n;
    chances[n] = 1;
    for (let m = 1; m <= generations; m++) {
      if (visit(m, chances, most) === false) return;
      const next = new Float64Array(n + 1);
      for (let k = 1; k <= most; k++) {
        if (chances[k] === 0) continue;
        for (let j = 1; j <= k; j++) next[j] += chances[k] * parents[k][j];
      }
      chances = next;
      while (most > 1 && chances[most] <= NEGLIGIBLE) chances[most--] = 0;
    }
  }

  // Row k: how many distinct parents k samples have among n; one more sample hits one of the j that
  // are there already with probability j/n.
  function parentRows(n) {
    const rows = [Float64Array.of(1)];
    for (let k = 1; k <= n; k++) {
      const row = new Float64Array(k + 1);
      for (let j = 1; j <= k; j++) {
        row[j] = ((rows[k - 1][j] ?? 0) * j) / n + (rows[k - 1][j - 1] * (n - j + 1)) / n;
      }
      rows.push(row);
    }
    return rows;
  }

  // Equal probabilities are met once: a text has few different counts.
  function classes(p) {
    const found = new Map();
    for (const x of p) if (x > 0) found.set(x, (found.get(x) ?? 0) + 1);
    return found;
  }

  // P(T <= m) for m = 0, ..., generations; P(T <= 0) = 0.
  function collapseTimes(p, n, generations) {
    const differ = new Float64Array(n + 1);
    for (const [x, times] of classes(p)) {
      for (let k = 2; k <= n; k++) differ[k] -= times * x * Math.expm1((k - 1) * Math.log(x));
    }
    const cdf = new Float64Array(generations + 1);
    ancestors(n, generations, (m, chances, most) => {
      let chance = 0;
      for (let k = 2; k <= most; k++) chance += chances[k] * differ[k];
      cdf[m] = Math.max(0, 1 - chance);
    });
    return cdf;
  }

  // E[T], from a triangular system.
  function expectedCollapseTime(p, n) {
    const parents = parentRows(n);
    const total = new Float64Array(n + 1);
    const differ = new Float64Array(n + 1);
    for (const [x, times] of classes(p)) {
      for (let k = 2; k <= n; k++) differ[k] -= times * x * Math.expm1((k - 1) * Math.log(x));
    }
    for (let k = 2; k <= n; k++) {
      let leave = 0;
      let later = 0;
      for (let j = 1; j < k; j++) {
        leave += parents[k][j];
        later += parents[k][j] * total[j];
      }
      total[k] = (differ[k] + later) / leave;
    }
    return 1 + total[n];
  }

  // Expected tokens left in generations 0, ..., M: synthetic data alone (n up to 400), or a corpus
  // that is kept, whose tokens all stay.
  function tokensLeft(p, options) {
    const { schedule, n, real, generations, pseudocounts } = options;
    if (!Laboratory.steps.isNone(options.step) || pseudocounts > 0) return null;
    const seen = (k) => {
      let sum = 0;
      for (const [x, times] of classes(p)) sum -= times * Math.expm1(k * Math.log1p(-x));
      return sum;
    };
    const all = p.reduce((count, x) => count + (x > 0), 0);
    if (schedule === "kept" || schedule === "accumulating") {
      const first = seen(real);
      return each(generations, (m) => (m === 0 ? all : first));
    }
    if (schedule !== "alone" || n > MOST_SAMPLES) return null;
    const byAncestors = Float64Array.from({ length: n + 1 }, (_, k) => (k ? seen(k) : 0));
    const left = new Float64Array(generations + 1);
    left[0] = all;
    ancestors(n, generations, (m, chances, most) => {
      for (let k = 1; k <= most; k++) left[m] += chances[k] * byAncestors[k];
    });
    return left;
  }

  return {
    alone, kept, fresh, windowed, accumulating, random, smoothed, collision,
    collapseTimes, expectedCollapseTime, tokensLeft, MOST_SAMPLES,
  };
})();
