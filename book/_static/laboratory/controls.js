// Fields: a label, a slider over round values and a box for any value, or a choice.
"use strict";

Laboratory.controls = (() => {
  const { SETTINGS } = Laboratory.state;
  let numbered = 0;

  // An element; properties that start with "on" are listeners, `text` is its text.
  function h(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (value === undefined || value === false) continue;
      if (key === "text") element.textContent = value;
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child));
    return element;
  }

  const WHOLE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 70];
  const wholeValues = (least, most) => {
    const found = WHOLE.slice();
    for (let power = 100; power <= most; power *= 10) {
      for (const x of [1, 1.5, 2, 3, 4, 5, 7]) found.push(x * power);
    }
    return found.filter((x) => x >= least && x <= most);
  };
  const evenly = (low, high, step) =>
    Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => Number((low + i * step).toFixed(6)));

  const VALUES = {
    n: wholeValues(1, 100000),
    real: wholeValues(1, 100000),
    window: wholeValues(1, 1000),
    support: wholeValues(2, 1000),
    right: wholeValues(1, 100000),
    runs: wholeValues(1, 200),
    generations: wholeValues(1, 10000),
    length: wholeValues(100, 1000000),
    collision: [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, ...evenly(0.1, 0.95, 0.05), 0.99],
    share: [0.001, 0.002, 0.005, 0.01, 0.02, ...evenly(0.05, 0.95, 0.05), 0.98, 0.99, 0.995, 0.998, 0.999],
    temperature: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 1, 1.02, 1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10],
    topK: [0, ...wholeValues(1, 100000)],
    nucleus: [...evenly(0.1, 0.9, 0.05), 0.92, 0.95, 0.97, 0.98, 0.99, 0.995, 1],
    minP: [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, ...evenly(0.1, 1, 0.1)],
    pass: [0, 0.01, 0.05, ...evenly(0.1, 0.9, 0.1), 0.95, 0.98, 0.99, 1],
    pseudocounts: [0, 0.01, 0.1, 0.5, ...wholeValues(1, 100000)],
    order: [1, 2, 3, 4, 5],
    tolerance: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, ...evenly(0.1, 1, 0.1), 1.5, 2],
    risk: [0.000001, 0.00001, 0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  };

  const LABELS = {
    n: "Samples of a model, <i>n</i>",
    real: "Real samples, <i>N</i>",
    window: "Last <i>K</i> models",
    support: "Number of tokens",
    collision: "Collision probability",
    share: "Probability of A",
    temperature: "Temperature",
    topK: "Top-<i>k</i>",
    nucleus: "Nucleus (top-<i>p</i>)",
    minP: "Min-<i>p</i>",
    pass: "Filter: pass rate of the others",
    right: "Filter: first tokens always pass",
    pseudocounts: "Smoothing: pseudo-counts <i>A</i>",
    runs: "Runs",
    generations: "Generations",
    seed: "Seed",
    order: "Tokens of context",
    length: "Tokens each model writes",
    tolerance: "Tolerance (1-norm)",
    risk: "Risk of exceeding it",
    source: "Language",
    schedule: "Each model learns from",
    reuse: "Samples of a model",
    speed: "Speed",
  };

  const OFF = { temperature: 1, topK: 0, nucleus: 1, minP: 0, pass: 1, pseudocounts: 0 };

  const CHOICES = {
    source: {
      letters: "Letters after “the” in Shakespeare",
      words: "Words of your own text",
      characters: "Characters of your own text",
      law: "Power law",
      uniform: "Uniform",
      two: "Two tokens",
    },
    schedule: {
      alone: "the last model alone",
      kept: "real data, kept, and the last model",
      fresh: "fresh real data and the last model",
      window: "the last K models",
      accumulating: "real data and all models so far",
      random: "models so far, picked at random",
    },
    reuse: { no: "drawn afresh each time", yes: "drawn once and reused" },
    speed: { 3: "slow", 12: "normal", 40: "fast", all: "at once" },
  };

  const plain = (label) => label.replace(/<\/?i>/g, "");

  // A field for a setting. `change(key, entered)` is called with what the reader entered and
  // returns whether it was taken; `show(value)` puts a value into the field.
  function field(key, change) {
    const id = `lab-${key}-${++numbered}`;
    const label = h("label", { for: id });
    label.innerHTML = LABELS[key];
    if (SETTINGS[key].kind === "choice") return choiceField(key, change, id, label);
    const values = VALUES[key];
    const box = h("input", {
      id, type: "text", inputmode: "decimal", autocomplete: "off", class: "lab-number",
    });
    const slider = values && h("input", {
      type: "range", min: 0, max: values.length - 1, step: 1, "aria-label": plain(LABELS[key]),
    });
    const element = h("div", { class: "lab-field" }, label, box, slider);
    let shown;
    const show = (value) => {
      shown = value;
      box.value = OFF[key] === value ? "off" : String(value);
      element.classList.toggle("lab-off", OFF[key] === value);
      if (!slider) return;
      slider.value = nearest(values, value);
      slider.setAttribute("aria-valuetext", OFF[key] === value ? "off" : String(value));
    };
    const enter = (entered) => {
      const value = String(entered).trim() === "off" && key in OFF ? OFF[key] : entered;
      if (!change(key, value)) show(shown);
    };
    box.addEventListener("change", () => enter(box.value));
    slider?.addEventListener("input", () => enter(values[slider.value]));
    return { element, show };
  }

  function choiceField(key, change, id, label) {
    const options = Object.entries(CHOICES[key]).sort((a, b) => order(key, a) - order(key, b));
    const select = h("select", { id, onchange: () => change(key, select.value) },
      ...options.map(([value, text]) => h("option", { value, text })));
    const show = (value) => (select.value = value);
    return { element: h("div", { class: "lab-field lab-choice" }, label, select), show, select };
  }

  const order = (key, [value]) => Object.keys(CHOICES[key]).indexOf(value);

  function nearest(values, value) {
    let best = 0;
    values.forEach((x, i) => {
      if (Math.abs(x - value) < Math.abs(values[best] - value)) best = i;
    });
    return best;
  }

  return { h, field, CHOICES, LABELS, plain };
})();
