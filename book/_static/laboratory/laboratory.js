// The laboratory: wires settings, runs and pictures together, wherever a page asks for it.
"use strict";

Laboratory.folder = document.currentScript.src.replace(/[^/]*$/, "");
document.documentElement.classList.add("has-laboratory"); // laboratory.css: no still picture then

Laboratory.Lab = (() => {
  const { recursion, sources, Problem, Seen, state: settings } = Laboratory;
  const { h, field } = Laboratory.controls;
  const FRAME = 11; // milliseconds per frame for the recursion; the rest is for the picture

  const LANGUAGE = ["source", "support", "collision", "share"];
  const TRAINING = ["schedule", "n", "real", "window", "reuse"];
  const OUTPUT = ["temperature", "topK", "nucleus", "minP", "pass", "right", "pseudocounts"];
  const RUNNING = ["runs", "generations", "seed"];
  // Settings that do not change the runs.
  const BESIDE = ["speed", "order", "length", "tolerance", "risk"];
  // Settings that are shown only where they matter.
  const WANTED = {
    support: (s) => s.source === "law" || s.source === "uniform",
    collision: (s) => s.source === "law",
    share: (s) => s.source === "two",
    real: (s) => ["kept", "fresh", "accumulating"].includes(s.schedule),
    window: (s) => s.schedule === "window",
    reuse: (s) => s.schedule === "window" || s.schedule === "random",
    right: (s) => s.pass < 1,
  };
  const isOwn = (source) => source === "words" || source === "characters";

  class Lab {
    constructor(root) {
      this.root = root;
      this.whole = root.dataset.size !== "small";
      this.pages = root.dataset.pages?.split(" ");
      this.standard = settings.fromHash(root.dataset.state ?? "").state;
      this.state = { ...this.standard };
      this.fields = new Map();
      this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.build();
      const problems = this.whole ? this.readAddress() : [];
      this.begin();
      this.complain(problems);
      new ResizeObserver(() => this.resized()).observe(this.seen.element);
      new MutationObserver(() => this.seen.repaint()).observe(document.documentElement, {
        attributes: true, attributeFilter: ["data-theme"],
      });
      if (this.whole) addEventListener("hashchange", () => this.addressChanged());
      root.dataset.ready = "yes";
    }

    // ---- the parts of the page

    build() {
      const { panels, controls = "" } = this.root.dataset;
      this.live = h("p", { class: "lab-hidden", "aria-live": "polite" });
      this.error = h("p", { class: "lab-error", role: "alert", hidden: true });
      this.seen = new Seen(this, (panels ?? "variety tokens collapse").split(" ").filter(Boolean));
      this.playButton = h("button", { type: "button", class: "lab-primary", text: "Play", onclick: () => this.toggle() });
      const button = (label, act) => h("button", { type: "button", text: label, onclick: act });
      const buttons = this.whole
        ? [button("One generation", () => this.step()), button("Restart", () => this.restart())]
        : [];
      this.transport = h("div", { class: "lab-transport", role: "group", "aria-label": "Runs" },
        this.playButton, ...buttons, button("Another seed", () => this.reseed()));
      const stage = h("div", { class: "lab-stage" }, this.transport, this.seen.element);
      if (this.whole) this.buildWhole(stage);
      else this.buildSmall(stage, controls.split(" ").filter(Boolean));
    }

    buildSmall(stage, keys) {
      if (keys.includes("speed")) this.transport.append(this.addField("speed"));
      const onward = this.link("Everything else: the laboratory", "laboratory.html");
      if (onward) {
        const page = onward.getAttribute("href");
        onward.addEventListener("click", () => (onward.href = `${page}#${settings.toHash(this.state)}`));
      }
      const fields = keys.filter((key) => key !== "speed").map((key) => this.addField(key));
      this.root.append(this.error, stage, h("div", { class: "lab-fields" }, ...fields),
        h("p", {}, onward), this.live);
    }

    buildWhole(stage) {
      this.transport.append(this.addField("speed"));
      this.guides = new Laboratory.Guides(this);
      this.own = new Laboratory.OwnText(this);
      this.writing = new Laboratory.Writing(this);
      this.plan = new Laboratory.Plan(this);
      this.takeaway = new Laboratory.Takeaway(this);
      const controls = h("div", { class: "lab-controls" },
        this.group("The language", LANGUAGE), this.own.element,
        this.group("Who learns from whom", TRAINING),
        this.group("What is done to a model’s output", OUTPUT, true),
        this.group("Runs", RUNNING, true));
      this.root.append(this.guides.element, this.error,
        h("div", { class: "lab-body" }, stage, controls),
        this.writing.element, this.plan.element, this.takeaway.element, this.live);
    }

    group(title, keys, folded = false) {
      const fields = keys.map((key) => this.addField(key));
      if (!folded) return h("fieldset", {}, h("legend", { text: title }), ...fields);
      return h("details", { class: "lab-more" }, h("summary", { text: title }), ...fields);
    }

    addField(key) {
      const made = field(key, (k, entered) => this.set(k, entered));
      this.fields.set(key, made);
      return made.element;
    }

    showFields() {
      for (const [key, made] of this.fields) {
        made.show(this.state[key]);
        made.element.hidden = WANTED[key] ? !WANTED[key](this.state) : false;
      }
      if (!this.own) return;
      this.own.element.hidden = !this.own.asking && !isOwn(this.state.source);
      if (this.own.asking) this.fields.get("source").show(this.own.unit);
      this.plan.show();
      this.writing.show();
    }

    // A link to another page of the book, if there is such a page.
    link(label, page) {
      if (this.pages && !this.pages.includes(page.split(".html")[0])) return null;
      return h("a", { href: `${this.root.dataset.book ?? ""}${page}`, text: label });
    }

    problem(error) {
      this.error.hidden = !error;
      this.error.textContent = error instanceof Problem ? error.message : error ? "Something went wrong; start again with other settings." : "";
      if (error && !(error instanceof Problem)) console.error(error);
    }

    complain(messages) {
      if (messages.length) this.problem(new Problem(messages.join(" ")));
    }

    announce(sentence) {
      this.live.textContent = sentence;
    }

    // ---- settings

    // Accept what was entered; if it is out of range, say so, change nothing and return false.
    set(key, entered) {
      let state;
      try {
        state = { ...this.state, [key]: settings.read(key, entered) };
        agree(state, key);
      } catch (error) {
        this.problem(error);
        return false;
      }
      if (key === "source" && this.own) {
        if (isOwn(state.source)) {
          if (this.own.raw) this.own.switchTo(state.source);
          else this.own.ask(state.source);
          return true;
        }
        this.own.asking = false;
      }
      this.problem(null);
      this.state = state;
      if (BESIDE.includes(key)) {
        this.showFields();
        this.writeAddress();
      } else this.changed();
      return true;
    }

    // Apply the settings of an experiment; all others take their defaults.
    useSettings(preset) {
      this.pause();
      this.state = { ...settings.defaults(), seed: this.state.seed, ...preset };
      if (this.own) this.own.asking = false;
      this.problem(null);
      this.begin();
    }

    // The reader's own text has been counted.
    useSource(source, sizes = {}) {
      this.pause();
      this.state = { ...this.state, source, ...sizes };
      this.state.window = Math.min(this.state.window, this.state.n);
      this.problem(null);
      this.begin();
    }

    // Start again with the present settings, and keep playing if it was.
    changed() {
      const { playing } = this;
      this.pause();
      this.begin();
      if (playing) this.play();
    }

    readAddress() {
      const { state, problems } = settings.fromHash(location.hash, this.standard);
      if (isOwn(state.source) && !this.own.counted[state.source]) {
        this.own.unit = state.source;
        state.source = this.standard.source;
        problems.push("This link was made with a text that is not part of it: choose your own text as the language and paste one.");
      }
      try {
        agree(state, "support");
      } catch (error) {
        problems.push(error.message);
        state.window = state.n;
      }
      this.state = state;
      return problems;
    }

    addressChanged() {
      if (location.hash.slice(1) === this.address) return;
      this.pause();
      const problems = this.readAddress();
      this.problem(null);
      this.begin();
      this.complain(problems);
    }

    writeAddress() {
      if (!this.whole) return;
      this.address = settings.toHash(this.state, this.standard);
      history.replaceState(null, "", this.address ? `#${this.address}` : location.pathname + location.search);
      this.takeaway.show();
    }

    // ---- runs

    // Generation 0 of new runs; if they are impossible, the old ones stay.
    begin() {
      try {
        const source = sources.of(this.state, this.own?.counted);
        this.runs = new recursion.Runs(source.weights, settings.options(this.state));
        this.good = this.state;
        this.seen.begin({ ...source, runs: this.runs, state: this.state });
      } catch (error) {
        this.problem(error);
        this.state = this.good ?? this.state;
      }
      this.work = this.whenDone = null;
      this.showFields();
      this.writeAddress();
    }

    restart() {
      this.problem(null);
      this.changed();
      if (!this.playing) this.announce(this.seen.sentence());
    }

    reseed() {
      this.set("seed", (this.state.seed * 31 + 17) % 100000);
      if (!this.playing) this.play();
    }

    toggle() {
      if (!this.playing) return this.play();
      this.pause();
      this.announce(this.seen.sentence());
    }

    play() {
      if (this.runs.done) this.begin();
      this.playing = true;
      this.owed = 1;
      this.before = null;
      this.frames = 0;
      this.playButton.textContent = "Pause";
      this.frame = requestAnimationFrame((now) => this.tick(now));
    }

    pause() {
      this.playing = false;
      cancelAnimationFrame(this.frame);
      this.playButton.textContent = "Play";
    }

    // One frame: as many generations as the speed asks for and the time allows, then the picture.
    tick(now) {
      const speed = this.still || this.state.speed === "all" ? Infinity : Number(this.state.speed);
      const passed = this.before === null ? 0 : (now - this.before) / 1000;
      this.owed = speed === Infinity ? Infinity : Math.min(this.owed + passed * speed, 2 + speed / 10);
      this.before = now;
      const shown = this.runs.generation;
      try {
        this.advance(performance.now() + FRAME);
      } catch (error) {
        this.pause();
        return this.problem(error);
      }
      this.frames++;
      // Readers who want no motion see the end, and once a second how far it is.
      const due = !this.still || this.runs.done || now - (this.painted ?? 0) > 1000;
      if (due && this.runs.generation > shown) {
        this.painted = now;
        this.seen.paint();
      }
      if (this.runs.done) return this.finished();
      this.frame = requestAnimationFrame((later) => this.tick(later));
    }

    // The generations that are due, until time is up; an unfinished one continues in the next frame.
    advance(end) {
      while (this.owed >= 1 && !this.runs.done && performance.now() < end) {
        this.work ??= this.runs.advancing();
        if (!this.work.next().done) continue;
        this.work = null;
        this.owed--;
      }
    }

    step() {
      this.pause();
      this.owed = 1;
      try {
        this.advance(Infinity);
      } catch (error) {
        return this.problem(error);
      }
      this.seen.paint();
      this.announce(this.seen.sentence());
      if (this.runs.done) this.finished();
    }

    finished() {
      this.pause();
      if (this.seen.caption.textContent !== this.seen.sentence()) this.seen.paint();
      this.announce(this.seen.sentence());
      this.whenDone?.();
      this.whenDone = null;
    }

    resized() {
      const width = this.seen.element.clientWidth;
      if (width === this.width) return;
      this.width = width;
      this.seen.repaint();
      this.writing?.draw();
    }
  }

  // Settings that depend on each other: the one that was not entered gives way.
  function agree(state, entered) {
    if (state.window > state.n) {
      if (entered === "window") {
        throw new Problem(`Last K models must be at most n, which is ${state.n}; it was ${state.window}.`);
      }
      state.window = state.n;
    }
    if (state.source !== "law" || state.collision * state.support >= 1) return;
    if (entered === "collision") state.support = Math.min(1000, Math.ceil(1 / state.collision - 1e-9));
    else state.collision = Math.ceil(1000 / state.support) / 1000;
  }

  return Lab;
})();

addEventListener("DOMContentLoaded", () => {
  Laboratory.labs = Array.from(document.querySelectorAll(".laboratory"), (root) => new Laboratory.Lab(root));
});
