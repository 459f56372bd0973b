// Pictures: one set of drawing functions, for a canvas while runs play, and for SVG where a picture
// is small or saved.
"use strict";

Laboratory.drawing = (() => {
  const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";
  const MOST_BARS = 60;

  class CanvasPen {
    constructor(context) {
      this.context = context;
    }

    line(points, { color, width = 1, alpha = 1, dash = [] }) {
      const { context } = this;
      context.globalAlpha = alpha;
      context.strokeStyle = color;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.setLineDash(dash);
      context.beginPath();
      for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
      context.stroke();
      context.globalAlpha = 1;
    }

    rect(x, y, width, height, color) {
      this.context.fillStyle = color;
      this.context.fillRect(x, y, width, height);
    }

    text(x, y, text, { color, size = 12, anchor = "start" }) {
      const { context } = this;
      context.fillStyle = color;
      context.font = `${size}px ${FONT}`;
      context.textAlign = anchor === "middle" ? "center" : anchor;
      context.fillText(text, x, y);
    }
  }

  const escaped = (text) =>
    text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const short = (x) => Math.round(10 * x) / 10;

  class SvgPen {
    constructor(x = 0, y = 0) {
      Object.assign(this, { x, y, parts: [] });
    }

    line(points, { color, width = 1, alpha = 1, dash = [] }) {
      const pairs = [];
      for (let i = 0; i < points.length; i += 2) {
        pairs.push(`${short(this.x + points[i])},${short(this.y + points[i + 1])}`);
      }
      const dashes = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
      this.parts.push(
        `<polyline points="${pairs.join(" ")}" fill="none" stroke="${color}" stroke-width="${width}" stroke-opacity="${alpha}" stroke-linejoin="round"${dashes}/>`,
      );
    }

    rect(x, y, width, height, color) {
      this.parts.push(
        `<rect x="${short(this.x + x)}" y="${short(this.y + y)}" width="${short(width)}" height="${short(Math.max(0, height))}" fill="${color}"/>`,
      );
    }

    text(x, y, text, { color, size = 12, anchor = "start", turned = false, bold = false }) {
      const place = `${short(this.x + x)} ${short(this.y + y)}`;
      const where = turned
        ? `transform="translate(${place}) rotate(-90)"`
        : `x="${short(this.x + x)}" y="${short(this.y + y)}"`;
      this.parts.push(
        `<text ${where} font-size="${size}" font-family="${FONT}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ""} fill="${color}">${escaped(text)}</text>`,
      );
    }

    get svg() {
      return this.parts.join("");
    }
  }

  // About `count` round numbers from low to high.
  function ticks(low, high, count = 5) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((x) => x * power).find((x) => x >= raw * 0.999);
    const found = [];
    for (let x = Math.ceil(low / step) * step; x <= high + step / 1e6; x += step) {
      found.push(Number(x.toPrecision(12)));
    }
    return found;
  }

  // Marks of a logarithmic scale.
  const powers = (high) => {
    const steps = high < 200 ? [1, 2, 5] : [1];
    return [1, 10, 100, 1000, 10000, 100000].flatMap((power) => steps.map((x) => x * power))
      .filter((x) => x <= high);
  };
  const grouped = (x) => (x >= 1000 ? x.toLocaleString("en-GB") : String(x));

  // The part of a picture that holds the data, and where values fall in it.
  class View {
    constructor(width, height, { generations, top, log = false }) {
      Object.assign(this, { width, height, generations, top, log });
      this.left = 44;
      this.right = width - 12;
      this.upper = 10;
      this.lower = height - 38;
    }

    x(m) {
      return this.left + ((this.right - this.left) * m) / this.generations;
    }

    y(value) {
      const share = this.log ? Math.log(Math.max(value, 1)) / Math.log(this.top) : value / this.top;
      return this.lower - (this.lower - this.upper) * Math.min(share, 1.02);
    }

    frame(pen, colors) {
      const marks = this.log ? powers(this.top) : ticks(0, this.top, 4);
      for (const value of marks) {
        const y = this.y(value);
        pen.line([this.left, y, this.right, y], { color: colors.grid });
        pen.text(this.left - 6, y + 4, grouped(value), { color: colors.muted, anchor: "end" });
      }
      pen.line([this.left, this.lower, this.right, this.lower], { color: colors.muted });
      const count = Math.max(2, Math.min(6, Math.floor((this.right - this.left) / 70)));
      for (const m of ticks(0, this.generations, count).filter(Number.isInteger)) {
        pen.text(this.x(m), this.lower + 16, grouped(m), { color: colors.muted, anchor: "middle" });
      }
      const middle = (this.left + this.right) / 2;
      pen.text(middle, this.lower + 32, "generation", { color: colors.muted, anchor: "middle" });
    }

    // Points of value(m) for m from first to last, at most about two a pixel.
    points(value, first, last) {
      const stride = Math.max(1, Math.floor(this.generations / (2 * (this.right - this.left))));
      const found = [];
      for (let m = first; m < last; m += stride) found.push(this.x(m), this.y(value(m)));
      found.push(this.x(last), this.y(value(last)));
      return found;
    }

    // A staircase: constant until the next generation.
    stairs(value, last) {
      const found = [this.x(0), this.y(value(0))];
      for (let m = 1; m <= last; m++) {
        if (value(m) === value(m - 1)) continue;
        found.push(this.x(m), this.y(value(m - 1)), this.x(m), this.y(value(m)));
      }
      found.push(this.x(last), this.y(value(last)));
      return found;
    }
  }

  const faint = (runs) => Math.min(0.5, Math.max(0.08, 4 / runs));

  // The curves of many runs: thin for each, bold for the mean, dashed for the exact result.
  function runLine(pen, view, value, first, last, runs, colors) {
    pen.line(view.points(value, first, last), { color: colors.run, alpha: faint(runs) });
  }

  function meanLine(pen, view, value, last, colors) {
    const points = view.points(value, 0, last);
    pen.line(points, { color: colors.paper, width: 5, alpha: 0.8 });
    pen.line(points, { color: colors.run, width: 2.5 });
  }

  function exactLine(pen, view, values, colors) {
    const points = view.points((m) => values[m], 0, values.length - 1);
    pen.line(points, { color: colors.ink, width: 1.8, dash: [6, 4] });
  }

  // A canvas in layers: the runs, of which only new parts are drawn, and what lies above them.
  class Curves {
    constructor(box, alt) {
      this.box = box;
      this.under = box.appendChild(document.createElement("canvas"));
      this.over = box.appendChild(document.createElement("canvas"));
      this.over.setAttribute("aria-hidden", "true");
      this.under.setAttribute("role", "img");
      this.under.setAttribute("aria-label", alt);
    }

    // Begin with an empty frame; `scale` is what View takes.
    reset(scale, colors) {
      const width = Math.max(220, this.box.clientWidth);
      const height = this.box.clientHeight || 220;
      const ratio = Math.min(devicePixelRatio || 1, 2);
      for (const canvas of [this.under, this.over]) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
        canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
      }
      this.view = new View(width, height, scale);
      this.colors = colors;
      this.drawn = 0;
      this.view.frame(new CanvasPen(this.under.getContext("2d")), colors);
    }

    // value(r, m) for each run, mean(m), exact values or null; all up to generation `last`.
    draw({ value, runs, mean, exact, stairs }, last) {
      const { view, colors } = this;
      if (value && last > this.drawn) {
        const pen = new CanvasPen(this.under.getContext("2d"));
        for (let r = 0; r < runs; r++) {
          runLine(pen, view, (m) => value(r, m), this.drawn, last, runs, colors);
        }
        this.drawn = last;
      }
      const context = this.over.getContext("2d");
      context.clearRect(0, 0, view.width, view.height);
      curvesAbove(new CanvasPen(context), view, { mean, exact, stairs }, last, colors);
    }
  }

  function curvesAbove(pen, view, { mean, exact, stairs }, last, colors) {
    if (mean && last > 0) meanLine(pen, view, mean, last, colors);
    if (stairs && last > 0) pen.line(view.stairs(stairs, last), { color: colors.run, width: 2.5 });
    if (exact) exactLine(pen, view, exact, colors);
  }

  // Whether names are words, which are written vertically.
  const isLong = ({ names, rest }) =>
    names.slice(0, rest ? -1 : undefined).some((name) => Array.from(name).length > 3);

  // The model against the truth. `bars` has names, truth, model and rest (how many tokens the last
  // bar sums up, or 0); `top` is the end of the scale.
  function drawBars(pen, width, height, { names, truth, model, rest }, top, colors) {
    const long = isLong({ names, rest });
    const left = 44;
    const right = width - 6;
    const lower = height - (long ? 78 : 26);
    const y = (value) => lower - (lower - 12) * Math.min(1, value / top);
    for (const value of ticks(0, top, 4)) {
      pen.line([left, y(value), right, y(value)], { color: colors.grid });
      pen.text(left - 6, y(value) + 4, String(value), { color: colors.muted, anchor: "end" });
    }
    const slot = (right - left) / names.length;
    const bar = Math.max(1, slot * 0.68);
    const every = Math.ceil((long ? 12 : 11 + 3 * (names.length > 30)) / slot);
    names.forEach((name, i) => {
      const middle = left + slot * (i + 0.5);
      const isRest = rest > 0 && i === names.length - 1;
      const gone = !(model[i] > 0);
      pen.rect(middle - bar / 2, y(model[i]), bar, lower - y(model[i]), isRest ? colors.muted : colors.run);
      const tick = Math.max(bar, 4) / 2 + 1;
      pen.line([middle - tick, y(truth[i]), middle + tick, y(truth[i])], { color: colors.ink, width: 2 });
      if (gone) {
        const r = Math.min(4, Math.max(2, slot / 3));
        pen.line([middle - r, lower - 2 * r, middle + r, lower], { color: colors.lost, width: 2 });
        pen.line([middle - r, lower, middle + r, lower - 2 * r], { color: colors.lost, width: 2 });
      }
      if (i % every && !isRest) return;
      const color = gone ? colors.lost : colors.ink;
      const letters = Array.from(name.replace(/\n/g, "↵").replace(/^ $/, "␣"));
      const label = isRest ? "rest" : letters.length > 11 ? `${letters.slice(0, 10).join("")}…` : letters.join("");
      if (long) pen.text(middle + 4, lower + 8, label, { color, anchor: "end", turned: true, size: 11 });
      else if (!isRest || slot > 22) pen.text(middle, lower + 17, label, { color, anchor: "middle" });
    });
    pen.line([left, lower, right, lower], { color: colors.muted });
  }

  // The largest tokens of the truth and the sum of the others.
  function barsOf(names, truth, model) {
    const size = Math.min(names.length, MOST_BARS);
    const shown = Array.from({ length: size }, (_, i) => i);
    const bars = {
      names: shown.map((i) => names[i]),
      truth: shown.map((i) => truth[i]),
      model: shown.map((i) => model[i]),
      rest: names.length - size,
    };
    if (bars.rest) {
      const others = (p) => {
        let sum = 0;
        for (let i = size; i < names.length; i++) sum += p[i];
        return sum;
      };
      bars.names.push("rest");
      bars.truth.push(others(truth));
      bars.model.push(others(model));
    }
    return bars;
  }

  const scaleFor = (value) => [0.1, 0.2, 0.3, 0.5, 0.75, 1].find((top) => value <= top * 0.97) ?? 1;

  const COLORS = {
    light: {
      ink: "#1c2127", muted: "#5b6470", grid: "#dfe3e8", run: "#0072b2", lost: "#c2410c", paper: "#ffffff",
    },
    dark: {
      ink: "#f2f5f8", muted: "#a9b4c0", grid: "#333b45", run: "#56b4e9", lost: "#ff9f5a", paper: "#14181e",
    },
  };

  const theme = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
  const colors = () => COLORS[theme()];

  return { SvgPen, View, Curves, curvesAbove, runLine, drawBars, barsOf, isLong, scaleFor, colors, COLORS, escaped };
})();
