// Three guided experiments of a minute each: guess, play, read.
"use strict";

Laboratory.Guides = (() => {
  const { exact, letters } = Laboratory;
  const { h } = Laboratory.controls;
  const percent = (x) => `${Math.round(100 * x)}%`;
  const tenth = (x) => `${(100 * x).toFixed(1)}%`;
  const total = letters.counts.reduce((sum, x) => sum + x, 0);
  const probability = (letter) => letters.counts[letters.names.indexOf(letter)] / total;

  // Each has settings, a question, answers (`right` is the right one), and what to read after.
  const GUIDES = [
    {
      title: "Why the tail goes first",
      question:
        "Each model writes 100 letters, and the next model learns from those 100 alone. Which letters disappear first?",
      answers: ["The rare ones", "The common ones", "Any: it is chance"],
      right: 0,
      preset: { n: 100, generations: 60, runs: 20 },
      read() {
        const rare = probability("u");
        const common = probability("s");
        const miss = (p) => (1 - p) ** 100;
        return `On average no letter’s share rises or falls, be it rare or common. But zero is final: a letter that was never written cannot be learnt. In Shakespeare ${tenth(rare)} of these words begin with u, so 100 letters have no u with probability ${miss(rare).toFixed(2)}. For s, with ${tenth(common)}, that probability is ${miss(common).toFixed(5)}.`;
      },
      link: ["Why every model is right on average, and rare words still go", "recursive_training.html"],
    },
    {
      title: "What a kept corpus changes",
      question:
        "Now 100 real letters are kept. Every model learns from them and from 100 letters of the last model. How much variety is left after 200 generations?",
      answers: ["About a seventh", "About half", "Nearly all"],
      right: 2,
      preset: { schedule: "kept", n: 100, real: 100, generations: 200, runs: 20 },
      read() {
        // The share that is left does not depend on the language.
        const left = (values) => 1 - values[200];
        const kept = percent(left(exact.kept(200, 100, 100, 0)));
        const alone = percent(left(exact.alone(200, 100, 0)));
        return `On average ${kept} of Shakespeare’s variety is left, and that is where it stays. Without the kept letters it would be ${alone}, and falling. Most of the loss happens once, when the 100 letters are drawn: letters that they lack stay lost.`;
      },
      link: ["What a kept corpus guarantees", "model_variation.html"],
    },
    {
      title: "Temperature 0.9",
      question:
        "Each model writes 10,000 letters, so many that chance hardly matters, but at temperature 0.9. What is left after 40 generations?",
      answers: ["Nearly all: 0.9 is close to 1", "About half of the letters", "A few letters at most"],
      right: 2,
      preset: { n: 10000, real: 10000, temperature: 0.9, generations: 40, runs: 20 },
      read() {
        const doubling = Math.round(Math.log(2) / Math.log(1 / 0.9));
        return `A temperature below 1 favours likely letters a little, every time. The ratio of two letters is raised to the power 1/0.9 in each generation, so it is squared after about ${doubling} of them, and squared again after ${doubling} more. More samples do not help: this is bias, not chance. A share of real data does: choose “fresh real data and the last model”, which gives you half of each, and play again.`;
      },
      link: ["What happens to a bias that repeats", "choosing_what_to_keep.html#thm-threshold"],
    },
  ];

  class Guides {
    constructor(lab) {
      this.lab = lab;
      this.tabs = GUIDES.map((guide, i) =>
        h("button", { type: "button", class: "lab-tab", text: `${i + 1}. ${guide.title}`, onclick: () => this.choose(i) }));
      this.question = h("p", { class: "lab-question" });
      this.answers = h("div", { class: "lab-row" });
      this.reading = h("p", { class: "lab-reading" });
      this.element = h("section", { class: "lab-guides", "aria-labelledby": "lab-guides-title" },
        h("h2", { id: "lab-guides-title", text: "Guess first" }),
        h("div", { class: "lab-tabs", role: "group", "aria-label": "Experiments" }, ...this.tabs),
        h("div", { class: "lab-guide" }, this.question, this.answers, this.reading));
      this.choose(0);
    }

    choose(i) {
      this.guide = GUIDES[i];
      this.tabs.forEach((tab, k) => tab.setAttribute("aria-pressed", k === i));
      this.question.textContent = this.guide.question;
      this.reading.textContent = "Guess, and the models start to write.";
      this.answers.replaceChildren(...this.guide.answers.map((answer, k) =>
        h("button", { type: "button", class: "lab-answer", text: answer, "aria-pressed": "false", onclick: () => this.guess(k) })));
    }

    guess(k) {
      const { lab, guide } = this;
      Array.from(this.answers.children, (answer, i) => answer.setAttribute("aria-pressed", i === k));
      this.reading.textContent = "Watch the bars …";
      lab.useSettings(guide.preset);
      lab.play();
      this.show();
      lab.whenDone = () => {
        const right = guide.answers[guide.right];
        const verdict = k === guide.right ? "Right." : `The answer is: ${right[0].toLowerCase()}${right.slice(1)}.`;
        const sentence = `${verdict} ${guide.read()}`;
        this.reading.replaceChildren(`${sentence} `, lab.link(...guide.link) ?? "");
        lab.announce(sentence);
      };
    }

    // On a phone the bars are below: bring the answer to the top, and the bars with it.
    show() {
      if (this.lab.seen.bars.getBoundingClientRect().bottom <= innerHeight) return;
      this.reading.scrollIntoView({ block: "start", behavior: this.lab.still ? "auto" : "smooth" });
    }
  }

  return Guides;
})();
