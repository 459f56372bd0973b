// Random numbers: a seeded generator, binomial and multinomial draws.
// Classic scripts, because modules cannot be loaded from file://; all share one name.
"use strict";
var Laboratory = Laboratory || {};

// Something the reader can put right; its message is one sentence for them.
Laboratory.Problem = class Problem extends Error {};

Laboratory.random = (() => {
  // xoshiro128** (Blackman and Vigna), its state filled by splitmix32 from the seed and the number
  // of the stream, so that every run has its own stream.
  class Generator {
    constructor(seed, stream = 0) {
      let x = Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((stream + 1) | 0, 0x85ebca77);
      const next = () => {
        x = (x + 0x9e3779b9) | 0;
        let z = x;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return z ^ (z >>> 15);
      };
      this.a = next();
      this.b = next();
      this.c = next();
      this.d = next() | 1; // never all zero
      for (let i = 0; i < 8; i++) this.bits();
    }

    bits() {
      const scrambled = Math.imul(this.b, 5);
      const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
      const t = this.b << 9;
      this.c ^= this.a;
      this.d ^= this.b;
      this.b ^= this.c;
      this.a ^= this.d;
      this.c ^= t;
      this.d = (this.d << 11) | (this.d >>> 21);
      return result >>> 0;
    }

    // From 0, below 1, a multiple of 2^-53.
    uniform() {
      return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992;
    }

    below(n) {
      return Math.floor(this.uniform() * n);
    }
  }

  function binomial(rng, n, p) {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - binomial(rng, n, 1 - p);
    return n * p < 10 ? byInversion(rng, n, p) : byRejection(rng, n, p);
  }

  // Add up probabilities from 0 on until they pass a uniform number.
  function byInversion(rng, n, p) {
    const odds = p / (1 - p);
    const none = Math.exp(n * Math.log1p(-p));
    for (;;) {
      let u = rng.uniform();
      let mass = none;
      for (let k = 0; k <= n; k++) {
        if (u < mass) return k;
        u -= mass;
        mass *= (odds * (n - k)) / (k + 1);
      }
      // Rounding left a sum below 1, and u beyond it: draw again.
    }
  }

  // Transformed rejection with a squeeze: Hörmann's BTRS (1993), for np of at least 10.
  function byRejection(rng, n, p) {
    const deviation = Math.sqrt(n * p * (1 - p));
    const b = 1.15 + 2.53 * deviation;
    const a = -0.0873 + 0.0248 * b + 0.01 * p;
    const squeeze = 0.92 - 4.2 / b;
    const alpha = (2.83 + 5.1 / b) * deviation;
    const odds = p / (1 - p);
    const mode = Math.floor((n + 1) * p);
    for (;;) {
      const u = rng.uniform() - 0.5;
      const v = rng.uniform();
      const us = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / us + b) * u + n * p + 0.5);
      if (us >= 0.07 && v <= squeeze) return k;
      if (k < 0 || k > n) continue;
      const bound =
        (mode + 0.5) * Math.log((mode + 1) / (odds * (n - mode + 1))) +
        (n + 1) * Math.log((n - mode + 1) / (n - k + 1)) +
        (k + 0.5) * Math.log((odds * (n - k + 1)) / (k + 1)) +
        tail(mode) + tail(n - mode) - tail(k) - tail(n - k);
      if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
    }
  }

  // What Stirling's formula lacks of log k!.
  const TAILS = [
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.0207906721037650,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
  ];

  function tail(k) {
    if (k < TAILS.length) return TAILS[k];
    const square = (k + 1) * (k + 1);
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
  }

  // The counts of n samples of tokens with these weights: one binomial a token, given those before.
  function multinomial(rng, n, weights, total) {
    const counts = new Float64Array(weights.length);
    let left = n;
    let mass = total;
    let last = weights.length - 1;
    while (last >= 0 && weights[last] <= 0) last--; // rounding of `mass` must not give it samples
    for (let i = 0; i < last && left > 0; i++) {
      counts[i] = binomial(rng, left, weights[i] / mass);
      left -= counts[i];
      mass -= weights[i];
    }
    if (last >= 0) counts[last] += left;
    return counts;
  }

  return { Generator, binomial, multinomial };
})();
