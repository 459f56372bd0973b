// The same experiment as lines of collapse_lib.
"use strict";

Laboratory.python = (() => {
  const LETTERS = `table = ngram.tiny_shakespeare(5)
row = [table.name(j) for j in range(len(table.sizes))].index(" the ")
after_the = zip(table.alphabet, table.counts[[row]].toarray()[0])
letters = Counter()
for character, count in after_the:
    if character.isalpha():
        letters[character.lower()] += int(count)`;
  const WORDS = `spaced = re.sub(r"([\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff\\U00020000-\\U0003ffff])", r" \\1 ", text.lower())
pieces = "".join(
    c if unicodedata.category(c)[0] in "LMN" or c in "'’" else " " for c in spaced
).split()
words = Counter(filter(None, (piece.strip("'’") for piece in pieces)))`;
  const READ = 'text = Path("my_text.txt").read_text("utf-8-sig")  # put your file here';
  const FREQUENCIES = (name) =>
    `p = np.array([count for _, count in ${name}.most_common() if count], dtype=float)\np /= p.sum()`;

  // Imports and lines that make p.
  function source(state) {
    switch (state.source) {
      case "letters":
        return {
          imports: ["from collections import Counter", "import numpy as np", "from collapse_lib.learners import ngram"],
          lines: `${LETTERS}\n${FREQUENCIES("letters")}`,
        };
      case "law":
        return {
          imports: ["from collapse_lib import distributions"],
          lines: `p = distributions.power_law(${state.support}, ${state.support}, ${state.collision})`,
        };
      case "uniform":
        return {
          imports: ["from collapse_lib import distributions"],
          lines: `p = distributions.uniform(${state.support}, ${state.support})`,
        };
      case "two":
        return { imports: [], lines: `p = [${state.share}, 1 - ${state.share}]` };
      case "words":
        return {
          imports: ["import re", "import unicodedata", "from collections import Counter", "from pathlib import Path", "import numpy as np"],
          lines: `${READ}\n${WORDS}\n${FREQUENCIES("words")}`,
        };
      default:
        return {
          imports: ["from collections import Counter", "from pathlib import Path", "import numpy as np"],
          lines: `${READ}\ncharacters = Counter(text)\n${FREQUENCIES("characters")}`,
        };
    }
  }

  function schedule({ schedule, n, real, window, reuse }) {
    const kept = reuse === "yes" ? ", kept=True" : "";
    return {
      alone: `FullySynthetic(n=${n})`,
      kept: `PartiallySynthetic(real=${real}, synthetic=${n})`,
      fresh: `FreshReal(real=${real}, synthetic=${n})`,
      window: `MostRecent(n=${n}, window=${window}${kept})`,
      accumulating: `Accumulating(real=${real}, synthetic=${n})`,
      random: `RandomlySampled(n=${n}${kept})`,
    }[schedule];
  }

  function step(state) {
    const taken = [];
    if (state.temperature !== 1) taken.push(`steps.Temperature(${state.temperature})`);
    if (state.topK > 0) taken.push(`steps.TopK(${state.topK})`);
    if (state.nucleus < 1) taken.push(`steps.Nucleus(${state.nucleus})`);
    if (state.minP > 0) taken.push(`steps.MinP(${state.minP})`);
    if (state.pass < 1) {
      const right = `[1] * min(${state.right}, len(p))`;
      taken.push(`steps.Accept(${right} + [${state.pass}] * max(0, len(p) - ${state.right}))`);
    }
    return taken.length > 1 ? `(${taken.join(", ")})` : taken[0];
  }

  const isOwn = (line) => line.includes("collapse_lib");
  const isNumPy = (line) => line === "import numpy as np";

  // The lines of Python; they draw other random numbers, with the same distribution.
  function code(state) {
    const { imports, lines } = source(state);
    const chosen = step(state);
    const own = [`from collapse_lib import recursion, schedules${chosen ? ", steps" : ""}`];
    const blocks = [
      imports.filter((line) => !isOwn(line) && !isNumPy(line)),
      imports.filter(isNumPy),
      [...own, ...imports.filter(isOwn)].sort(),
    ].filter((block) => block.length);
    const more = [];
    if (chosen) more.push(`step=${chosen}`);
    if (state.pseudocounts > 0) more.push(`pseudocounts=${state.pseudocounts}`);
    const call = [
      "p",
      `schedules.${schedule(state)}`,
      `generations=${state.generations}`,
      `replicates=${state.runs}`,
      `rng=${state.seed}`,
      ...more,
    ];
    return [
      ...blocks.map((block) => block.join("\n")),
      lines,
      `runs = recursion.simulate(\n    ${call.join(",\n    ")},\n)`,
      `variety = 1 - runs.collision.mean(axis=0)
tokens_left = runs.support.mean(axis=0)
print(f"variety {variety[-1]:.3f}, tokens left {tokens_left[-1]:.1f}")`,
    ].join("\n\n") + "\n";
  }

  return { code };
})();
