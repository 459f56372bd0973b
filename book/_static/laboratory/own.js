// The reader's own text: pasted or from a file, read and counted without stopping the page.
"use strict";

Laboratory.OwnText = (() => {
  const { text, work, Problem } = Laboratory;
  const { h } = Laboratory.controls;
  const LONG = 100000; // characters; a longer text is not put into the box, which would be slow
  const TOO_LARGE = "The text may have 20 MB at most; this one is larger, so use a part of it.";
  const NONE = "There is no text yet: paste one, or open a file.";

  class OwnText {
    constructor(lab) {
      this.lab = lab;
      this.counted = {}; // by unit
      this.unit = "words";
      this.job = {};
      this.box = h("textarea", {
        id: "lab-own", rows: 4, spellcheck: "false",
        placeholder: "Paste a page of anything you like, in any language",
        onpaste: (event) => this.pasted(event), oninput: () => (this.long = null),
      });
      this.file = h("input", { type: "file", id: "lab-file", onchange: () => this.opened() });
      this.progress = h("progress", { max: 1, value: 0, "aria-label": "Reading the text", hidden: true });
      this.element = h("div", { class: "lab-own", hidden: true },
        h("label", { for: "lab-own", text: "Your text" }), this.box,
        h("div", { class: "lab-row" },
          h("button", { type: "button", class: "lab-primary", text: "Use this text", onclick: () => this.use() }),
          this.progress),
        h("p", {}, h("label", { for: "lab-file", text: "or open a text file" }), this.file),
        h("p", { class: "lab-note", text: "Your text stays on this page. Nothing is sent anywhere." }));
    }

    // Show the box and wait for a text; until there is one, the page stays as it was.
    ask(unit) {
      this.unit = unit;
      this.asking = true;
      this.element.hidden = false;
      this.box.focus({ preventScroll: true });
      this.box.scrollIntoView({ block: "center", behavior: this.lab.still ? "auto" : "smooth" });
    }

    pasted(event) {
      const pasted = event.clipboardData?.getData("text") ?? "";
      if (pasted.length < LONG) return;
      event.preventDefault();
      this.put(pasted);
    }

    put(raw) {
      const length = raw.length.toLocaleString("en-GB");
      this.box.value = raw.length < LONG ? raw : `${raw.slice(0, 2000)}\n[… ${length} characters in all]`;
      this.long = raw;
    }

    async use() {
      await this.safely(() => this.take((this.long ?? this.box.value).replace(/\r\n?/g, "\n")));
    }

    async opened() {
      const [file] = this.file.files;
      if (!file) return;
      await this.safely(async () => {
        if (file.size > text.MOST_BYTES) throw new Problem(TOO_LARGE);
        const raw = await this.work(text.decode(new Uint8Array(await file.arrayBuffer())));
        await this.take(raw);
        this.put(raw);
      });
      this.file.value = "";
    }

    async safely(act) {
      try {
        await act();
      } catch (error) {
        this.lab.problem(error);
      }
    }

    // Count a new text; only if that works does it replace the previous one.
    async take(raw) {
      if (raw.length > text.MOST_BYTES) throw new Problem(TOO_LARGE);
      if (!raw.trim()) throw new Problem(NONE);
      const counted = await this.work(text.count(raw, this.unit));
      this.raw = raw;
      this.counted = { [this.unit]: counted };
      this.asking = false;
      const total = counted.counts.reduce((sum, x) => sum + x, 0);
      const n = Math.min(total, 100000);
      // Models write as much as they have read, so that chance matters.
      const length = Math.min(Math.max(raw.length, 100), 50000);
      this.lab.useSource(this.unit, { n, real: n, length });
      this.lab.writing.use(raw);
      this.lab.play();
    }

    // The same text in its other unit.
    async switchTo(unit) {
      await this.safely(async () => {
        this.counted[unit] ??= await this.work(text.count(this.raw, unit));
        this.unit = unit;
        this.asking = false;
        this.lab.useSource(unit);
      });
    }

    work(generator) {
      this.job.cancelled = true;
      this.job = {};
      this.progress.hidden = false;
      const hide = () => (this.progress.hidden = true);
      const promise = work.run(generator, this.job, (share) => (this.progress.value = share));
      promise.then(hide, hide);
      return promise;
    }
  }

  return OwnText;
})();
