// What the reader has chosen: each setting with its range, and all of them in the page's address.
"use strict";

Laboratory.state = (() => {
  const { Problem } = Laboratory;
  const whole = (least, most, start) => ({ kind: "whole", least, most, start });
  const real = (least, most, start) => ({ kind: "real", least, most, start });
  const choice = (start, ...values) => ({ kind: "choice", values: [start, ...values], start });

  // `label` is what a message calls it.
  const SETTINGS = {
    source: { label: "Language", ...choice("letters", "law", "uniform", "two", "words", "characters") },
    support: { label: "Tokens", ...whole(2, 1000, 52) },
    collision: { label: "Collision probability", ...real(0.001, 0.99, 0.1) },
    share: { label: "Probability of A", ...real(0.001, 0.999, 0.5) },
    schedule: {
      label: "Schedule",
      ...choice("alone", "kept", "fresh", "window", "accumulating", "random"),
    },
    n: { label: "Samples of a model, n", ...whole(1, 100000, 100) },
    real: { label: "Real samples, N", ...whole(1, 100000, 100) },
    window: { label: "Window, K", ...whole(1, 1000, 5) },
    reuse: { label: "Samples of a model are kept", ...choice("no", "yes") },
    temperature: { label: "Temperature", ...real(0.05, 10, 1) },
    topK: { label: "Top-k", ...whole(0, 100000, 0) },
    nucleus: { label: "Nucleus", ...real(0.01, 1, 1) },
    minP: { label: "Min-p", ...real(0, 1, 0) },
    pass: { label: "Filter lets through", ...real(0, 1, 1) },
    right: { label: "Tokens that always pass", ...whole(1, 100000, 10) },
    pseudocounts: { label: "Pseudo-counts, A", ...real(0, 100000, 0) },
    runs: { label: "Runs", ...whole(1, 200, 20) },
    generations: { label: "Generations", ...whole(1, 10000, 200) },
    seed: { label: "Seed", ...whole(0, 2147483647, 1) },
    speed: { label: "Speed", ...choice("12", "3", "40", "all") },
    order: { label: "Tokens of context", ...whole(1, 5, 3) },
    length: { label: "Tokens that each model writes", ...whole(100, 1000000, 50000) },
    tolerance: { label: "Tolerance", ...real(0.001, 2, 0.1) },
    risk: { label: "Risk", ...real(0.000001, 0.5, 0.05) },
  };

  const defaults = () =>
    Object.fromEntries(Object.entries(SETTINGS).map(([key, { start }]) => [key, start]));

  const shown = (number) => number.toLocaleString("en-GB", { maximumFractionDigits: 6 });

  // The value that was entered, or a Problem that says what is allowed.
  function read(key, entered) {
    const { label, kind, least, most, values } = SETTINGS[key];
    const text = String(entered).trim();
    if (kind === "choice") {
      if (!values.includes(text)) {
        throw new Problem(`${label} must be one of ${values.join(", ")}; it was “${text}”.`);
      }
      return text;
    }
    const number = Number(text.replace(/[\s_,](?=\d{3}\b)/g, "").replace(",", "."));
    const wrongKind = kind === "whole" && !Number.isInteger(number);
    if (text === "" || !Number.isFinite(number) || number < least || number > most || wrongKind) {
      const what = kind === "whole" ? "a whole number" : "a number";
      throw new Problem(
        `${label} must be ${what} from ${shown(least)} to ${shown(most)}${text ? `; it was “${text.slice(0, 30)}”` : ""}.`,
      );
    }
    return number;
  }

  // All that differs from the defaults, as the part of an address after #.
  function toHash(state, standard = defaults()) {
    const changed = new URLSearchParams();
    for (const key of Object.keys(SETTINGS)) {
      if (state[key] !== standard[key]) changed.set(key, state[key]);
    }
    return changed.toString();
  }

  // A state and the Problems of a hash; what is wrong or unknown leaves the default.
  function fromHash(hash, standard = defaults()) {
    const state = { ...standard };
    const problems = [];
    for (const [key, entered] of new URLSearchParams(hash.replace(/^#/, ""))) {
      if (!Object.hasOwn(SETTINGS, key)) continue;
      try {
        state[key] = read(key, entered);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        problems.push(error.message);
      }
    }
    return { state, problems };
  }

  // What the recursion asks for.
  function options(state) {
    const { schedule, n, real, window, pseudocounts, runs, generations, seed } = state;
    const { temperature, topK, nucleus, minP, right, pass } = state;
    const step = { temperature, topK, nucleus, minP, right, pass };
    const reuse = state.reuse === "yes";
    return { schedule, n, real, window, reuse, step, pseudocounts, runs, generations, seed };
  }

  return { SETTINGS, defaults, read, toHash, fromHash, options };
})();
