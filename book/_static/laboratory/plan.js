// The planner: what the counts at hand allow.
"use strict";

Laboratory.Plan = (() => {
  const { planner, steps, state: settings } = Laboratory;
  const { h, field } = Laboratory.controls;
  const whole = (x) => (x === Infinity ? "any amount" : Math.floor(x).toLocaleString("en-GB"));
  const MOST_NAMES = 24;

  const list = (names) =>
    names.length > MOST_NAMES
      ? `${names.slice(0, MOST_NAMES).join(", ")} and ${(names.length - MOST_NAMES).toLocaleString("en-GB")} more`
      : names.join(", ");

  class Plan {
    constructor(lab) {
      this.lab = lab;
      this.fields = ["real", "n", "tolerance", "risk"].map((key) => [
        key,
        field(key, (k, entered) => lab.set(k, entered)),
      ]);
      this.list = h("dl", { class: "lab-answers" });
      this.element = h("section", { class: "lab-section", "aria-labelledby": "lab-plan-title" },
        h("h2", { id: "lab-plan-title", text: "Plan with these counts" }),
        h("p", { text: "Suppose you hold a real corpus with the frequencies above. How much synthetic data can you afford?" }),
        h("div", { class: "lab-fields" }, ...this.fields.map(([, f]) => f.element)),
        this.list);
    }

    show() {
      const { state, seen } = this.lab;
      const { names, p } = seen;
      for (const [key, f] of this.fields) f.show(state[key]);
      const { real, n, tolerance, risk } = state;
      const answers = [
        this.losses(names, p, n),
        this.budget(p, real, tolerance),
        this.confidence(p, real, tolerance, risk),
        this.repeated(p, real, n),
      ];
      this.list.replaceChildren(...answers.flatMap(([question, answer, page]) => [
        h("dt", { text: question }),
        h("dd", {}, `${answer} `, this.lab.link("Why", page)),
      ]));
    }

    losses(names, p, n) {
      const lost = planner.expectedLoss(p, n);
      const danger = planner.inDanger(p, n).map((i) => Laboratory.Seen.spoken(names[i]));
      const more = danger.length
        ? ` More likely lost than kept: ${danger.length.toLocaleString("en-GB")} (${list(danger)}).`
        : " Each of them is more likely kept than lost.";
      return [
        "What will the next model lose?",
        `Trained on ${whole(n)} samples of a model with these frequencies and nothing else, it loses ${lost < 10 ? lost.toFixed(2) : whole(lost)} of ${p.length.toLocaleString("en-GB")} ${this.lab.seen.unit} on average.${more}`,
        "recursive_training.html",
      ];
    }

    share(n, real) {
      if (n === Infinity) return "any amount of synthetic data, in every generation";
      return `at most ${whole(n)} synthetic samples in each generation (a share of ${(100 * n / (n + real)).toFixed(1)}%)`;
    }

    budget(p, real, tolerance) {
      const n = planner.budgetGivenCorpus(real, p, tolerance);
      return [
        `How much synthetic data keeps the expected distance from the first model within ${tolerance}?`,
        `With all ${whole(real)} real samples kept and used every time: ${this.share(n, real)}.`,
        "how_much_synthetic.html#thm-budgets",
      ];
    }

    confidence(p, real, tolerance, risk) {
      const distinct = p.reduce((count, x) => count + (x > 0), 0);
      const n = planner.budgetConfident(real, distinct, tolerance, risk);
      return [
        `And with confidence ${(100 * (1 - risk)).toFixed(risk < 0.001 ? 4 : 1)}%, in any one generation?`,
        `${n < 1 ? "No synthetic data: this corpus is too small for that" : `Allowed: ${this.share(n, real)}`}. This counts ${distinct.toLocaleString("en-GB")} different ${this.lab.seen.unit} and holds whatever their frequencies are.`,
        "model_deviation.html#thm-given-corpus",
      ];
    }

    repeated(p, real, n) {
      const { step } = settings.options(this.lab.state);
      if (steps.isNone(step)) {
        return [
          "What would a repeated step cost?",
          "No step is chosen. Set a temperature, top-k or a filter above, and its cost appears here.",
          "repeated_bias.html#thm-bias-ceiling",
        ];
      }
      const b = planner.bias(step, p);
      const ceiling = planner.biasCeiling(b, real, n);
      const says = ceiling < 2 ? "" : " That says nothing, as no distance exceeds 2.";
      return [
        "What does the chosen step cost if it is repeated?",
        `Applied once, it moves these frequencies by b = ${b.toFixed(3)} (1-norm, at most 2). With ${whole(real)} real samples and ${whole(n)} of a model, a step that moves no model by more than b keeps all models, apart from chance, within b·n/N = ${ceiling.toFixed(ceiling < 2 ? 3 : 1)} of the truth.${says} Only the share n/N counts: larger samples in the same share do not lower it.`,
        "repeated_bias.html#thm-bias-ceiling",
      ];
    }
  }

  return Plan;
})();
