// What a reader can take away: a link, lines of Python, the data, the picture.
"use strict";

Laboratory.Takeaway = (() => {
  const { drawing } = Laboratory;
  const { h } = Laboratory.controls;

  // Generations in rows: the exact and mean variety, then variety and tokens left of each run.
  function csv(runs, exact) {
    const count = runs.runs.length;
    const columns = Array.from({ length: count }, (_, r) => r + 1);
    const head = [
      "generation", "exact_variety", "mean_variety",
      ...columns.map((r) => `variety_${r}`), ...columns.map((r) => `tokens_left_${r}`),
    ];
    const rows = [head.join(",")];
    for (let m = 0; m <= runs.generation; m++) {
      const at = (values) => columns.map((r) => values[(r - 1) * runs.width + m]);
      rows.push([
        m,
        exact ? 1 - exact.values[m] : "",
        1 - runs.mean(runs.collision, m),
        ...at(runs.collision).map((x) => 1 - x),
        ...at(runs.support),
      ].join(","));
    }
    return rows.join("\n") + "\n";
  }

  const WIDTH = 820;
  const BARS = 260;
  const CHART = 250;

  // One SVG of all that is seen: the model and the curves.
  function svg(title, caption, bars, top, charts, colors) {
    const pens = [];
    const head = new drawing.SvgPen();
    head.text(20, 34, title, { color: colors.ink, size: 19, bold: true });
    head.text(20, 56, caption, { color: colors.muted, size: 13 });
    pens.push(head);
    const first = new drawing.SvgPen(10, 70);
    drawing.drawBars(first, WIDTH - 20, BARS, bars, top, colors);
    pens.push(first);
    const width = (WIDTH - 20) / 2;
    charts.forEach((chart, i) => {
      const x = 10 + (i % 2) * width;
      const y = 90 + BARS + Math.floor(i / 2) * (CHART + 34);
      const pen = new drawing.SvgPen(x, y + 24);
      const view = new drawing.View(width - 8, CHART, chart.scale);
      pen.text(4, -8, chart.title, { color: colors.ink, size: 14, bold: true });
      view.frame(pen, colors);
      const { curves, last } = chart;
      if (curves.value && last > 0) {
        for (let r = 0; r < curves.runs; r++) {
          drawing.runLine(pen, view, (m) => curves.value(r, m), 0, last, curves.runs, colors);
        }
      }
      drawing.curvesAbove(pen, view, curves, last, colors);
      pens.push(pen);
    });
    const height = 110 + BARS + Math.ceil(charts.length / 2) * (CHART + 34);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"><title>${drawing.escaped(title)}</title><desc>${drawing.escaped(caption)}</desc><rect width="100%" height="100%" fill="${colors.paper}"/>${pens.map((pen) => pen.svg).join("")}</svg>\n`;
  }

  // An SVG as PNG, at twice its size; returns a promise of a Blob.
  function png(text) {
    return new Promise((resolve, reject) => {
      const picture = new Image();
      picture.onload = () => {
        const canvas = h("canvas", { width: 2 * picture.width, height: 2 * picture.height });
        const context = canvas.getContext("2d");
        context.scale(2, 2);
        context.drawImage(picture, 0, 0);
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
      };
      picture.onerror = reject;
      picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    });
  }

  function save(name, content, type) {
    const blob = content instanceof Blob ? content : new Blob([content], { type });
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // Copy a text; if the browser refuses the clipboard, through a selection.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = h("textarea", { class: "lab-hidden", "aria-hidden": "true", tabindex: -1 });
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  }

  class Takeaway {
    constructor(lab) {
      this.lab = lab;
      this.code = h("pre", { class: "lab-code", tabindex: 0, role: "region", "aria-label": "Python" });
      this.done = h("span", { class: "lab-told" });
      const button = (label, act, told) =>
        h("button", { type: "button", text: label, onclick: async () => (await act(), told && this.tell(told)) });
      this.element = h("section", { class: "lab-section", "aria-labelledby": "lab-take-title" },
        h("h2", { id: "lab-take-title", text: "Take it with you" }),
        h("p", { text: "The settings are in the page’s address: a link or a bookmark brings them back. Your own text is not in it." }),
        h("div", { class: "lab-row" },
          button("Copy link", () => copy(location.href), "The link is copied."),
          button("Copy as Python", () => copy(this.code.textContent), "The lines are copied."),
          button("Data (CSV)", () => save("model-collapse.csv", csv(lab.runs, lab.seen.exact), "text/csv")),
          button("Picture (PNG)", async () => save("model-collapse.png", await png(this.picture()))),
          button("Picture (SVG)", () => save("model-collapse.svg", this.picture(), "image/svg+xml")),
          this.done),
        h("p", { text: "The same in Python, with the book’s library. It draws other random numbers, with the same distribution." }),
        this.code);
    }

    show() {
      this.code.textContent = Laboratory.python.code(this.lab.state);
    }

    tell(sentence) {
      this.done.textContent = sentence;
      this.lab.announce(sentence);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => (this.done.textContent = ""), 4000);
    }

    picture() {
      const { state, seen } = this.lab;
      const { source, schedule } = Laboratory.controls.CHOICES;
      const title = `${source[state.source]}. Each model learns from ${schedule[state.schedule]}.`;
      return svg(title, seen.sentence(), seen.shown, seen.top, seen.pictures, drawing.colors());
    }
  }

  Takeaway.csv = csv;
  return Takeaway;
})();
