// The view of the runs: the model against the truth, curves, and one sentence.
"use strict";

Laboratory.Seen = (() => {
  const { drawing, exact, steps, state: settings } = Laboratory;
  const { h } = Laboratory.controls;
  const MOST_NAMES = 40;
  const grouped = (x) => x.toLocaleString("en-GB");

  // How a token is written in a sentence.
  const spoken = (name) => ({ " ": "space", "\n": "line break" })[name] ?? name;

  class Seen {
    // `panels` names the curves: variety, tokens, collapse.
    constructor(lab, panels) {
      this.lab = lab;
      this.title = this.heading();
      this.counter = h("span", { class: "lab-counter" });
      this.bars = h("div", { class: "lab-bars" });
      this.caption = h("p", { class: "lab-caption" });
      this.lost = h("p", { class: "lab-lost" });
      const key = h("p", { class: "lab-key" });
      key.innerHTML =
        '<span class="lab-bar-key"></span> model <span class="lab-tick-key"></span> truth <span class="lab-cross-key" aria-hidden="true">×</span> lost';
      this.charts = panels.map((name) => this.chart(name));
      this.element = h("div", { class: "lab-seen" },
        h("div", { class: "lab-figure" }, h("div", { class: "lab-head" }, this.title, this.counter), this.bars, key),
        this.caption, this.lost,
        h("div", { class: "lab-charts" }, ...this.charts.map((chart) => chart.element)));
    }

    // In a chapter a heading here would have the wrong level.
    heading() {
      return h(this.lab.whole ? "h3" : "p", { class: "lab-title" });
    }

    chart(name) {
      const title = this.heading();
      const legend = h("p", { class: "lab-legend" });
      const box = h("div", { class: "lab-plot" });
      const element = h("div", { class: "lab-figure" }, title, box, legend);
      return { name, element, title, legend, curves: new drawing.Curves(box, "") };
    }

    // For new runs: the exact curves that the book has for them, and empty pictures.
    begin({ runs, names, unit, state }) {
      Object.assign(this, { runs, names, unit, state });
      this.p = new Float64Array(runs.size);
      const { tokens, weights, total } = runs.truth;
      tokens.forEach((token, i) => (this.p[token] = weights[i] / total));
      const options = settings.options(state);
      const s0 = runs.collision[0];
      this.exact = exact.collision(options, s0, runs.size);
      this.exactVariety = this.exact && this.exact.values.map((s) => 1 - s);
      this.exactTokens = exact.tokensLeft(this.p, options);
      const simple = options.schedule === "alone" && steps.isNone(options.step) && !options.pseudocounts;
      const known = simple && options.n <= exact.MOST_SAMPLES && tokens.length > 1;
      this.exactTime = known ? exact.collapseTimes(this.p, options.n, options.generations) : null;
      this.expectedTime = known ? exact.expectedCollapseTime(this.p, options.n) : null;
      this.top = 0;
      this.repaint();
    }

    // Draw everything again: for new runs, another width or another theme.
    repaint() {
      const { runs, lab } = this;
      const colors = drawing.colors();
      lab.root.style.setProperty("--lab-run", colors.run);
      lab.root.style.setProperty("--lab-lost", colors.lost);
      this.title.textContent = `The model against the truth${runs.runs.length > 1 ? " (first run)" : ""}`;
      const line = (kind = "") => h("span", { class: `lab-line-key ${kind}`, "aria-hidden": "true" });
      for (const chart of this.charts) {
        const { title, own, scale, theorem, missing } = this.curvesOf(chart.name);
        chart.title.textContent = title;
        chart.curves.reset(scale, colors);
        chart.legend.replaceChildren(line(), `${own} `);
        if (theorem) chart.legend.append(line("lab-dashed"), "exact: ", lab.link(...theorem) ?? theorem[0]);
        else if (missing) chart.legend.append(` (${missing})`);
      }
      this.paint();
    }

    paint() {
      const m = this.runs.generation;
      const model = this.model;
      const caption = this.sentence();
      this.drawModel(model, caption);
      this.caption.textContent = caption;
      this.counter.textContent = `generation ${grouped(m)} of ${grouped(this.runs.width - 1)}`;
      this.lost.replaceChildren(...this.lostNames(model));
      for (const chart of this.charts) {
        chart.curves.draw(this.curvesOf(chart.name).curves, m);
        chart.curves.under.setAttribute("aria-label", `${chart.title.textContent}. ${caption}`);
      }
    }

    // The model of the first run, as probabilities.
    get model() {
      const { tokens, weights, total } = this.runs.runs[0].model;
      const p = new Float64Array(this.runs.size);
      tokens.forEach((token, i) => (p[token] = weights[i] / total));
      return p;
    }

    sentence() {
      const { runs, unit } = this;
      const { tokens, weights, total } = runs.runs[0].model;
      const best = weights.reduce((place, w, i) => (w > weights[place] ? i : place), 0);
      const m = runs.generation;
      const likeliest = `${spoken(this.names[tokens[best]])} (${(weights[best] / total).toFixed(2)})`;
      const several = runs.runs.length > 1;
      const left = `${grouped(tokens.length)} of ${grouped(runs.truth.tokens.length)} ${unit} left${several ? " in the first run" : ""}`;
      const mean = (1 - runs.mean(runs.collision, m)).toFixed(3);
      const known = this.exact ? ` (exact average: ${this.exactVariety[m].toFixed(3)})` : "";
      return `Generation ${grouped(m)}. ${left}; the likeliest is ${likeliest}. Variety${several ? `, mean of ${runs.runs.length} runs` : ""}: ${mean}${known}.`;
    }

    drawModel(model, caption) {
      const bars = drawing.barsOf(this.names, this.p, model);
      const most = bars.model.concat(bars.truth).reduce((a, b) => Math.max(a, b), 0);
      this.top = Math.max(this.top, drawing.scaleFor(most)); // never shrinks while a run goes on
      const width = Math.max(280, this.bars.clientWidth);
      const height = drawing.isLong(bars) ? 300 : 240;
      const pen = new drawing.SvgPen();
      drawing.drawBars(pen, width, height, bars, this.top, drawing.colors());
      const alt = drawing.escaped(`The model against the truth. ${caption}`);
      this.bars.innerHTML = `<svg role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-label="${alt}">${pen.svg}</svg>`;
      this.shown = bars;
    }

    lostNames(model) {
      const named = [];
      let gone = 0;
      for (let i = 0; i < model.length; i++) {
        if (!(this.p[i] > 0) || model[i] > 0) continue;
        if (gone++ < MOST_NAMES) named.push(spoken(this.names[i]));
      }
      if (!gone) return ["Nothing is lost."];
      const more = gone > named.length ? ` and ${grouped(gone - named.length)} more` : "";
      return [h("strong", { text: "Lost: " }), `${named.join(", ")}${more}.`];
    }

    // Title, scale and curves of a chart; `theorem` names the theorem and its place.
    curvesOf(name) {
      const { runs, state, unit } = this;
      const generations = runs.width - 1;
      const count = runs.runs.length;
      const own = count > 1 ? `mean of ${count} runs` : "this run";
      if (name === "variety") {
        const { exact: found } = this;
        return {
          title: "Variety: how often two answers differ",
          own,
          theorem: found && [found.name, found.page],
          missing: "no exact curve for these settings",
          scale: { generations, top: 1 - runs.collision[0] < 0.45 && !state.pseudocounts ? 0.5 : 1 },
          curves: {
            runs: count,
            value: (r, m) => 1 - runs.collision[r * runs.width + m],
            mean: (m) => 1 - runs.mean(runs.collision, m),
            exact: this.exactVariety,
          },
        };
      }
      if (name === "tokens") {
        const all = runs.truth.tokens.length;
        const theorem = state.schedule === "alone"
          ? ["by tracing ancestors", "collapse_time.html#thm-exact-law"]
          : ["the tokens of the kept corpus", "model_variation.html"];
        return {
          title: `${unit[0].toUpperCase()}${unit.slice(1)} left`,
          own,
          theorem: this.exactTokens && theorem,
          scale: { generations, top: Math.max(2, all), log: all > 20 },
          curves: {
            runs: count,
            value: (r, m) => runs.support[r * runs.width + m],
            mean: (m) => runs.mean(runs.support, m),
            exact: this.exactTokens,
          },
        };
      }
      const times = Array.from(runs.collapse).filter((time) => time >= 0);
      const large = state.schedule === "alone" && state.n > exact.MOST_SAMPLES;
      return {
        title: "Runs with a single token left",
        own: count > 1 ? `share of ${count} runs` : "this run",
        theorem: this.exactTime && [`distribution of the collapse time, mean ${this.expectedTime.toFixed(1)}`, "collapse_time.html#thm-exact-law"],
        missing: large ? `exact up to n = ${exact.MOST_SAMPLES}` : "no exact curve for these settings",
        scale: { generations, top: 1 },
        curves: {
          stairs: (m) => times.filter((time) => time <= m).length / count,
          exact: this.exactTime,
        },
      };
    }

    // The charts as `takeaway.svg` takes them.
    get pictures() {
      return this.charts.map(({ name }) => ({ ...this.curvesOf(name), last: this.runs.generation }));
    }
  }

  Seen.spoken = spoken;
  return Seen;
})();
