// The recursion: sample earlier models as the schedule says, count, repeat.
// A model is stored as its tokens of positive weight: { tokens, weights, total }, tokens increasing.
"use strict";

Laboratory.recursion = (() => {
  const { Generator, multinomial } = Laboratory.random;
  const { steps, Problem } = Laboratory;

  const SCHEDULES = ["alone", "kept", "fresh", "window", "accumulating", "random"];
  const MOST_CELLS = 4e7; // numbers held in memory, some 12 bytes each

  function model(weights) {
    const tokens = new Int32Array(weights.length);
    const positive = new Float64Array(weights.length);
    let size = 0;
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      if (!(weights[i] > 0)) continue;
      tokens[size] = i;
      positive[size++] = weights[i];
      total += weights[i];
    }
    return { tokens: tokens.slice(0, size), weights: positive.slice(0, size), total };
  }

  // The corpus of n samples of a model, as counts: a model again.
  function draw(rng, source, n) {
    return source.weights.length > 8 * n ? drawOneByOne(rng, source, n) : drawCounts(rng, source, n);
  }

  function drawCounts(rng, source, n) {
    const counts = multinomial(rng, n, source.weights, source.total);
    const drawn = model(counts);
    drawn.tokens = drawn.tokens.map((i) => source.tokens[i]);
    return drawn;
  }

  function drawOneByOne(rng, source, n) {
    const drawn = sample(rng, source, n).sort();
    return counted(drawn);
  }

  // n samples in the order in which they are drawn.
  function sample(rng, source, n) {
    if (!source.sums) {
      let sum = 0;
      source.sums = source.weights.map((w) => (sum += w));
    }
    const { sums, tokens } = source;
    const drawn = new Int32Array(n);
    for (let k = 0; k < n; k++) {
      const u = rng.uniform() * sums[sums.length - 1];
      let low = 0;
      let high = sums.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle] > u) high = middle;
        else low = middle + 1;
      }
      drawn[k] = tokens[low];
    }
    return drawn;
  }

  // Sorted samples as counts.
  function counted(sorted) {
    const tokens = [];
    const weights = [];
    for (let k = 0; k < sorted.length; k++) {
      if (k > 0 && sorted[k] === sorted[k - 1]) weights[weights.length - 1]++;
      else tokens.push(sorted[k]), weights.push(1);
    }
    return { tokens: Int32Array.from(tokens), weights: Float64Array.from(weights), total: sorted.length };
  }

  // The counts of several corpora, added up.
  function pooled(corpora) {
    if (corpora.length === 1) return corpora[0];
    let places = corpora[0];
    for (const corpus of corpora.slice(1)) places = merged(places, corpus);
    return places;
  }

  function merged(a, b) {
    const tokens = new Int32Array(a.tokens.length + b.tokens.length);
    const weights = new Float64Array(tokens.length);
    let i = 0;
    let j = 0;
    let size = 0;
    while (i < a.tokens.length || j < b.tokens.length) {
      const left = i < a.tokens.length ? a.tokens[i] : Infinity;
      const right = j < b.tokens.length ? b.tokens[j] : Infinity;
      tokens[size] = Math.min(left, right);
      if (left <= right) weights[size] += a.weights[i++];
      if (right <= left) weights[size] += b.weights[j++];
      size++;
    }
    return { tokens: tokens.slice(0, size), weights: weights.slice(0, size), total: a.total + b.total };
  }

  // Many corpora at once would be merged one by one in quadratic time; add them in pairs.
  function pooledInPairs(corpora) {
    let row = corpora;
    while (row.length > 1) {
      const next = [];
      for (let i = 0; i < row.length; i += 2) next.push(pooled(row.slice(i, i + 2)));
      row = next;
    }
    return row[0];
  }

  // A run: one sequence of models. Everything random comes from its own stream.
  class Run {
    constructor(truth, size, options, stream) {
      Object.assign(this, { truth, size, options, rng: new Generator(options.seed, stream) });
      this.generation = 0;
      this.model = truth;
      this.sources = [truth]; // what later generations sample: models after the step
      this.first = 0; // the generation of sources[0]
      this.corpora = new Map(); // corpora that are kept, by generation
    }

    // Train the next generation.
    advance() {
      const corpora = this[this.options.schedule](++this.generation);
      this.fit(corpora.length > 1 ? pooledInPairs(corpora) : corpora[0]);
      this.sources.push(this.processed());
      const needed = { random: Infinity, window: this.options.window }[this.options.schedule] ?? 1;
      while (this.sources.length > needed) {
        this.sources.shift();
        this.corpora.delete(this.first++);
      }
    }

    source(t) {
      return this.sources[t - this.first];
    }

    draw(t, n) {
      return draw(this.rng, this.source(t), n);
    }

    // The schedules of collapse_lib.schedules; each returns the corpora of generation m.
    alone(m) {
      return [this.draw(m - 1, this.options.n)];
    }

    kept(m) {
      if (m === 1) return [(this.real = draw(this.rng, this.truth, this.options.real))];
      return [this.real, this.draw(m - 1, this.options.n)];
    }

    fresh(m) {
      const real = draw(this.rng, this.truth, this.options.real);
      return m === 1 ? [real] : [real, this.draw(m - 1, this.options.n)];
    }

    window(m) {
      const { n, window, reuse } = this.options;
      const each = Math.floor(n / window);
      const corpora = [];
      for (let t = Math.max(0, m - window); t < m; t++) {
        if (reuse && !this.corpora.has(t)) this.corpora.set(t, this.draw(t, each));
        corpora.push(reuse ? this.corpora.get(t) : this.draw(t, each));
      }
      return corpora;
    }

    accumulating(m) {
      if (m === 1) return [(this.all = draw(this.rng, this.truth, this.options.real))];
      return [(this.all = merged(this.all, this.draw(m - 1, this.options.n)))];
    }

    random(m) {
      const { n, reuse } = this.options;
      const sizes = multinomial(this.rng, n, new Float64Array(m).fill(1), m);
      const corpora = [];
      sizes.forEach((size, t) => {
        if (size > 0) corpora.push(reuse ? this.beginning(t, size) : this.draw(t, size));
      });
      return corpora;
    }

    // The first samples of a kept corpus, which grows when more are asked for.
    beginning(t, size) {
      let corpus = this.corpora.get(t) ?? new Int32Array(0);
      if (corpus.length < size) {
        const more = sample(this.rng, this.source(t), size - corpus.length);
        const longer = new Int32Array(size);
        longer.set(corpus);
        longer.set(more, corpus.length);
        this.corpora.set(t, (corpus = longer));
      }
      return counted(corpus.slice(0, size).sort());
    }

    // Counts become a model; pseudo-counts are spread evenly over the whole vocabulary.
    fit(counts) {
      const a = this.options.pseudocounts;
      if (!(a > 0)) {
        this.model = counts;
        return;
      }
      const weights = new Float64Array(this.size).fill(a / this.size);
      counts.tokens.forEach((token, i) => (weights[token] += counts.weights[i]));
      this.model = model(weights);
      this.model.total = counts.total + a;
    }

    // The distribution that later generations sample.
    processed() {
      const { step } = this.options;
      if (steps.isNone(step)) return this.model;
      const p = this.model.weights.map((w) => w / this.model.total);
      const q = model(steps.apply(step, p, this.model.tokens));
      q.tokens = q.tokens.map((i) => this.model.tokens[i]);
      return q;
    }

    get support() {
      return this.model.tokens.length;
    }

    get collision() {
      const { weights, total } = this.model;
      let squares = 0;
      for (let i = 0; i < weights.length; i++) squares += weights[i] * weights[i];
      return squares / (total * total);
    }

    // Numbers that this run holds in memory.
    get cells() {
      if (this.options.schedule !== "random" && this.options.schedule !== "window") return 0;
      return this.sources.length * this.support;
    }
  }

  // Many runs, and what is recorded of them: `collision`, `support` of shape (runs, generations + 1)
  // and `collapse`, the first generation that is a single token, -1 where none was.
  class Runs {
    constructor(weights, options) {
      this.options = check(weights, options);
      const truth = model(weights);
      const { runs, generations } = this.options;
      this.truth = truth;
      this.size = weights.length;
      this.runs = Array.from({ length: runs }, (_, r) => new Run(truth, this.size, this.options, r));
      this.generation = 0;
      this.width = generations + 1;
      this.collision = new Float64Array(runs * this.width);
      this.support = new Int32Array(runs * this.width);
      this.collapse = new Int32Array(runs).fill(-1);
      this.runs.forEach((run, r) => this.record(run, r, 0));
    }

    get done() {
      return this.generation >= this.options.generations;
    }

    advance() {
      for (const _ of this.advancing());
    }

    // The next generation, in slices of a run; `generation` is updated at the end.
    *advancing() {
      if (this.done) return;
      const m = this.generation + 1;
      let cells = 0;
      for (let r = 0; r < this.runs.length; r++) {
        const run = this.runs[r];
        run.advance();
        cells += run.cells;
        this.record(run, r, m);
        yield;
      }
      this.generation = m;
      if (cells > MOST_CELLS) {
        throw new Problem(
          "This schedule remembers earlier models, and there is no memory for more: take fewer runs or fewer samples.",
        );
      }
    }

    record(run, r, m) {
      const place = r * this.width + m;
      this.collision[place] = run.collision;
      this.support[place] = run.support;
      if (m > 0 && run.support === 1 && this.collapse[r] < 0) this.collapse[r] = m;
    }

    // The mean over the runs of what was recorded for a generation.
    mean(values, m) {
      let sum = 0;
      for (let r = 0; r < this.runs.length; r++) sum += values[r * this.width + m];
      return sum / this.runs.length;
    }
  }

  function check(weights, options) {
    const { runs, pseudocounts } = options;
    if (options.schedule === "window" && options.window > options.n) {
      throw new Problem(
        `A window of ${options.window} models needs at least as many samples: n is ${options.n}.`,
      );
    }
    if (weights.length * (pseudocounts > 0 ? runs : 1) > MOST_CELLS / 2) {
      throw new Problem(
        `Smoothing gives each of the ${weights.length} tokens a probability in every run, and there is no memory for that: take fewer runs.`,
      );
    }
    return options;
  }

  return { Runs, Run, SCHEDULES, model, draw };
})();
