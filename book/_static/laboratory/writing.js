// The text itself: an n-gram model is trained on what the last one wrote, and writes.
"use strict";

Laboratory.Writing = (() => {
  const { text, work, drawing, Problem } = Laboratory;
  const { Generator } = Laboratory.random;
  const { h, field } = Laboratory.controls;
  const EXCERPT = 1400; // characters that are shown
  const MOST = 60; // generations

  // The different words of a text, in lower case; counted in pieces.
  function* vocabulary(written) {
    const found = new Set();
    const size = 1 << 15;
    for (let from = 0; from < written.tokens.length; from += size) {
      // A word across a border would be cut: end at a token that is no part of a word.
      let to = Math.min(from + size, written.tokens.length);
      for (const word of text.words(text.join(written, from, to))) found.add(word);
      yield from / written.tokens.length;
    }
    return found;
  }

  class Writing {
    // `lab` gives the state, the reader's text and a way to tell the reader something.
    constructor(lab) {
      this.lab = lab;
      this.job = {};
      this.fields = ["order", "length"].map((key) => field(key, (k, entered) => this.change(k, entered)));
      this.unit = h("select", { id: "lab-unit", onchange: () => this.begin() },
        h("option", { value: "characters", text: "characters" }),
        h("option", { value: "words", text: "words" }));
      this.next = h("button", { type: "button", text: "Write the next generation", onclick: () => this.write() });
      this.play = h("button", { type: "button", class: "lab-primary", text: "Play", onclick: () => this.toggle() });
      this.again = h("button", { type: "button", text: "Start again", onclick: () => this.begin() });
      this.choose = h("button", { type: "button", class: "lab-primary", text: "Load Shakespeare’s counts (0.8 MB)", onclick: () => this.load() });
      this.progress = h("progress", { max: 1, value: 0, "aria-label": "Training", hidden: true });
      this.status = h("p", { class: "lab-status" });
      this.original = h("div", { class: "lab-page", tabindex: 0, role: "region", "aria-label": "The original" });
      this.written = h("div", { class: "lab-page", tabindex: 0, role: "region", "aria-label": "What the model writes" });
      this.heading = h("h3", { text: "What the model writes" });
      this.chart = h("div", { class: "lab-small" });
      this.body = h("div", { hidden: true },
        h("div", { class: "lab-row" }, this.play, this.next, this.again, this.progress),
        h("div", { class: "lab-fields" },
          h("div", { class: "lab-field lab-choice" }, h("label", { for: "lab-unit", text: "Tokens are" }), this.unit),
          ...this.fields.map((f) => f.element)),
        this.status,
        h("div", { class: "lab-pages" },
          h("div", {}, h("h3", { text: "The original" }), this.original),
          h("div", {}, this.heading, this.written)),
        this.chart);
      this.element = h("section", { class: "lab-section", "aria-labelledby": "lab-text-title" },
        h("h2", { id: "lab-text-title", text: "The text itself" }),
        h("p", { text: "A small language model (an n-gram model) learns from the text how often each token follows the few before it, and writes. The next model learns from what this one wrote, and so on." }),
        h("div", { class: "lab-row" }, this.choose,
          h("button", { type: "button", text: "Use your own text", onclick: () => this.lab.askForText() })),
        this.body);
      this.show();
    }

    show() {
      this.fields[0].show(this.lab.state.order);
      this.fields[1].show(this.lab.state.length);
    }

    change(key, entered) {
      if (!this.lab.set(key, entered)) return false;
      this.show();
      this.begin();
      return true;
    }

    // Shakespeare's counts are a file of their own, loaded when they are asked for.
    load() {
      this.choose.disabled = true;
      const ready = () =>
        this.busy(text.shakespeare(new Generator(1, 1)), (found) => {
          this.choose.disabled = false;
          this.source = found;
          this.raw = null;
          this.note = "No text of Shakespeare is shipped, only the counts of his sequences of six characters: the “original” is a text with exactly these counts.";
          this.unit.value = "characters";
          this.begin();
        });
      if (Laboratory.shakespeare) return ready();
      const script = h("script", { src: `${Laboratory.folder}shakespeare.js` });
      script.onload = ready;
      script.onerror = () => {
        this.choose.disabled = false;
        this.lab.problem(new Problem("Shakespeare’s counts could not be loaded; a text of your own works without them."));
      };
      document.head.append(script);
    }

    use(raw) {
      this.raw = raw;
      this.note = "";
      this.source = null;
      this.begin();
    }

    // Start again from the original.
    begin() {
      this.stop();
      if (!this.raw && !this.source) return;
      this.body.hidden = false;
      this.generation = 0;
      this.latest = null;
      this.sizes = [];
      this.rng = new Generator(this.lab.state.seed, 7);
      this.written.textContent = "Press “Write the next generation”, or play.";
      this.heading.textContent = "What the model writes";
      this.chart.textContent = "";
      const raw = this.raw ?? null;
      const encode = raw === null && this.unit.value === "characters"
        ? (function* () { return this.source; }).call(this)
        : text.encode(raw ?? text.join(this.source), this.unit.value);
      this.busy(encode, (encoded) => {
        this.text = encoded;
        this.mark(null);
        const count = encoded.tokens.length.toLocaleString("en-GB");
        this.say(`${this.note ? `${this.note} ` : ""}The first model learns from ${count} ${this.unit.value}.`);
        if (this.playOn) this.playOn = false, this.toggle();
      });
    }

    *generations() {
      const model = yield* text.train(this.latest ?? this.text, this.lab.state.order);
      const written = yield* model.write(Math.max(this.lab.state.length, this.lab.state.order), this.rng);
      const words = yield* vocabulary(written);
      return { written, words };
    }

    write() {
      if (!this.text || this.working || this.generation >= MOST) return;
      this.busy(this.generations(), ({ written, words }) => {
        this.latest = written;
        this.generation++;
        this.sizes.push(words.size);
        const excerpt = text.join(written, 0, Math.min(written.tokens.length, EXCERPT));
        this.written.textContent = excerpt.slice(0, EXCERPT);
        this.heading.textContent = `Generation ${this.generation} writes`;
        const { gone, all } = this.mark(words);
        const first = this.sizes[0].toLocaleString("en-GB");
        const now = words.size.toLocaleString("en-GB");
        this.say(
          `Generation ${this.generation} uses ${now} different words${this.generation > 1 ? `; generation 1 used ${first}` : ""}. Of the ${all} different words of the original that you see, ${gone} no longer occur.`,
        );
        this.draw();
        if (this.generation >= MOST) this.stop();
        if (this.playing) this.timer = setTimeout(() => this.write(), this.lab.still ? 0 : 350);
      });
    }

    toggle() {
      if (this.playing) return this.stop();
      this.playing = true;
      this.play.textContent = "Pause";
      if (this.generation >= MOST) this.begin(), (this.playOn = true);
      else this.write();
    }

    stop() {
      this.playing = false;
      this.play.textContent = "Play";
      clearTimeout(this.timer);
    }

    // Long work with a progress bar; new work cancels the previous.
    busy(generator, done) {
      this.job.cancelled = true;
      const job = (this.job = {});
      this.working = true;
      const shown = setTimeout(() => (this.progress.hidden = false), 150);
      const end = () => {
        clearTimeout(shown);
        this.progress.hidden = true;
        this.working = false;
      };
      work.run(generator, job, (share) => (this.progress.value = share)).then(
        (result) => (end(), done(result)),
        (error) => (end(), this.stop(), this.lab.problem(error)),
      );
    }

    say(sentence) {
      this.status.textContent = sentence;
      if (!this.playing) this.lab.announce(sentence);
    }

    // Show the original; strike out the words that are not among `words`.
    mark(words) {
      this.excerpt = text.join(this.text, 0, Math.min(this.text.tokens.length, EXCERPT)).slice(0, EXCERPT);
      const seen = new Set();
      const gone = new Set();
      const parts = this.excerpt.split(/([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]|(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}])[\p{L}\p{M}\p{N}'’])+)/u);
      const nodes = parts.map((part, i) => {
        const word = i % 2 ? text.bare(part.toLowerCase()) : "";
        if (!word) return part;
        seen.add(word);
        if (!words || words.has(word)) return part;
        gone.add(word);
        return h("del", { text: part });
      });
      this.original.replaceChildren(...nodes);
      return { gone: gone.size, all: seen.size };
    }

    draw() {
      if (!this.sizes || this.sizes.length < 2) return;
      const colors = drawing.colors();
      const width = Math.max(240, Math.min(640, this.chart.clientWidth));
      const scale = { generations: Math.max(10, this.sizes.length), top: 1.05 * Math.max(...this.sizes) };
      const view = new drawing.View(width, 190, scale);
      const pen = new drawing.SvgPen();
      view.frame(pen, colors);
      const points = this.sizes.flatMap((size, i) => [view.x(i + 1), view.y(size)]);
      pen.line(points, { color: colors.run, width: 2.5 });
      this.chart.innerHTML = `<h3>Different words in each generation’s text</h3><svg role="img" aria-label="Different words: ${this.sizes[0]} in generation 1, ${this.sizes.at(-1)} in generation ${this.sizes.length}." viewBox="0 0 ${width} 190" width="${width}" height="190">${pen.svg}</svg>`;
    }
  }

  Writing.vocabulary = vocabulary;
  return Writing;
})();
