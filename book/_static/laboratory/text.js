// The reader's own text: as tokens, as counts, and as an n-gram model that writes.
"use strict";

Laboratory.text = (() => {
  const { Problem } = Laboratory;
  const PIECE = 32768; // code units, or tokens, between two looks at the clock
  const MOST_BYTES = 20e6;

  // Scripts that put no spaces between words: each character counts as a word.
  const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/gu;
  const WORD = /[\p{L}\p{M}\p{N}'’]+/gu;
  const WORD_OR_MARK = /[\p{L}\p{M}\p{N}'’]+|\n|[^\s\p{L}\p{M}\p{N}'’]/gu;

  // Bytes to text; only UTF-8 is read.
  function* decode(bytes) {
    if (bytes.length > MOST_BYTES) {
      throw new Problem("The text may have 20 MB at most; this one is larger, so open a part of it.");
    }
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const parts = [];
    const size = 1 << 19;
    try {
      for (let start = 0; start < bytes.length; start += size) {
        const part = decoder.decode(bytes.subarray(start, start + size), { stream: true });
        if (part.includes("\0")) throw new TypeError("binary");
        parts.push(part.replace(/\r\n?/g, "\n"));
        yield start / bytes.length;
      }
      parts.push(decoder.decode());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new Problem("This file is not UTF-8 text; save it as plain text and open it again.");
    }
    return parts.join("");
  }

  // Pieces of a text that end at white space, so that no word is cut. A text without any is cut
  // between two characters.
  function* pieces(text) {
    let start = 0;
    while (start < text.length) {
      let end = Math.min(start + PIECE, text.length);
      const latest = Math.min(end + 4096, text.length);
      while (end < latest && !/\s/.test(text[end])) end++;
      if (end < text.length && isSecondHalf(text.charCodeAt(end))) end++;
      yield text.slice(start, end);
      start = end;
    }
  }

  const isSecondHalf = (unit) => unit >= 0xdc00 && unit < 0xe000;

  function words(piece) {
    const spaced = piece.toLowerCase().replace(UNSPACED, " $& ");
    return (spaced.match(WORD) ?? []).map(bare).filter((word) => word);
  }

  const bare = (word) => (/['’]/.test(word) ? word.replace(/^['’]+|['’]+$/g, "") : word);
  const characters = (piece) => Array.from(piece);
  const wordsAndMarks = (piece) => piece.replace(UNSPACED, " $& ").match(WORD_OR_MARK) ?? [];

  const UNITS = { words, characters };

  // The tokens of a text and how often each occurs, the most frequent first, then by code point.
  function* count(text, unit) {
    const counts = new Map();
    let done = 0;
    for (const piece of pieces(text)) {
      for (const token of UNITS[unit](piece)) counts.set(token, (counts.get(token) ?? 0) + 1);
      done += piece.length;
      yield done / text.length;
    }
    if (counts.size < 2) {
      throw new Problem(
        counts.size === 0
          ? `The text has no ${unit}; paste or open one that has.`
          : `The text has a single ${unit === "words" ? "word" : "character"}, so nothing can be lost; it takes at least two.`,
      );
    }
    const pairs = Array.from(counts).sort((a, b) => b[1] - a[1] || byCodePoint(a[0], b[0]));
    return { names: pairs.map((pair) => pair[0]), counts: Float64Array.from(pairs, (pair) => pair[1]) };
  }

  // JavaScript compares code units, so characters of two units would sort too early.
  const BEYOND = /[\ud800-\udfff]/;

  function byCodePoint(a, b) {
    if (!BEYOND.test(a) && !BEYOND.test(b)) return a < b ? -1 : a > b ? 1 : 0;
    const left = Array.from(a, (c) => c.codePointAt(0));
    const right = Array.from(b, (c) => c.codePointAt(0));
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      if (left[i] !== right[i]) return left[i] - right[i];
    }
    return left.length - right.length;
  }

  // A text as numbers: { tokens, names }, numbered in the order of their first occurrence.
  function* encode(text, unit) {
    const number = new Map();
    const split = unit === "words" ? wordsAndMarks : characters;
    let tokens = new Int32Array(1024);
    let size = 0;
    let done = 0;
    for (const piece of pieces(text)) {
      for (const name of split(piece)) {
        let token = number.get(name);
        if (token === undefined) number.set(name, (token = number.size));
        if (size === tokens.length) {
          const longer = new Int32Array(2 * size);
          longer.set(tokens);
          tokens = longer;
        }
        tokens[size++] = token;
      }
      done += piece.length;
      yield done / text.length;
    }
    return { tokens: tokens.slice(0, size), names: Array.from(number.keys()), unit };
  }

  const NO_SPACE_BEFORE = /^[.,;:!?)\]}»”…%،؛؟。、，．：；！？）」』\n]/u;
  const NO_SPACE_AFTER = /[([{«“¿¡（「『\n]$/u;

  // Numbers as a text again.
  function join({ tokens, names, unit }, from = 0, to = tokens.length) {
    const parts = [];
    let last = "\n";
    for (let i = from; i < to; i++) {
      const name = names[tokens[i]];
      if (unit === "words") {
        const dense = last.search(UNSPACED) === 0 && name.search(UNSPACED) === 0;
        if (!dense && !NO_SPACE_BEFORE.test(name) && !NO_SPACE_AFTER.test(last)) parts.push(" ");
      }
      parts.push((last = name));
    }
    return parts.join("");
  }

  // Pairs of numbers to new numbers, in the order of their first occurrence.
  class Pairs {
    constructor() {
      this.size = 0;
      this.resize(1 << 12);
    }

    resize(capacity) {
      const { left, right, value } = this;
      this.left = new Int32Array(capacity);
      this.right = new Int32Array(capacity);
      this.value = new Int32Array(capacity).fill(-1);
      this.mask = capacity - 1;
      value?.forEach((number, place) => {
        if (number >= 0) this.put(this.find(left[place], right[place]), left[place], right[place], number);
      });
    }

    find(left, right) {
      let place = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
      place = (place ^ (place >>> 15)) & this.mask;
      while (this.value[place] >= 0 && (this.left[place] !== left || this.right[place] !== right)) {
        place = (place + 1) & this.mask;
      }
      return place;
    }

    put(place, left, right, number) {
      this.left[place] = left;
      this.right[place] = right;
      this.value[place] = number;
    }

    number(left, right) {
      const place = this.find(left, right);
      if (this.value[place] >= 0) return this.value[place];
      this.put(place, left, right, this.size);
      if (2 * ++this.size > this.mask) this.resize(2 * (this.mask + 1));
      return this.size - 1;
    }
  }

  // An n-gram model of a text that is read in a circle. Contexts are numbered; what follows one is
  // found at the places where it occurs: positions[start[c]], ..., positions[start[c + 1] - 1].
  class NGram {
    constructor(text, order, contexts, size) {
      Object.assign(this, { text, order, contexts });
      this.start = new Int32Array(size + 1);
      this.positions = new Int32Array(contexts.length);
    }

    // `length` tokens; the first context is drawn in proportion to how often it occurs.
    *write(length, rng) {
      const { order, contexts, start, positions } = this;
      const { tokens } = this.text;
      const end = tokens.length;
      const written = new Int32Array(length);
      let place = rng.below(end);
      for (let i = 0; i < Math.min(order, length); i++) written[i] = tokens[(place + i) % end];
      let context = contexts[place];
      for (let i = order; i < length; i++) {
        const first = start[context];
        place = positions[first + rng.below(start[context + 1] - first)];
        written[i] = tokens[(place + order) % end];
        context = contexts[(place + 1) % end];
        if (i % PIECE === 0) yield i / length;
      }
      return { ...this.text, tokens: written };
    }

    // How often each token follows each context, by name; for tests.
    table() {
      const found = {};
      const { tokens, names } = this.text;
      for (let i = 0; i < tokens.length; i++) {
        let context = "";
        for (let k = 0; k < this.order; k++) context += names[tokens[(i + k) % tokens.length]];
        const next = names[tokens[(i + this.order) % tokens.length]];
        const row = (found[context] ??= {});
        row[next] = (row[next] ?? 0) + 1;
      }
      return found;
    }

    // The same from the numbered contexts, which is what `write` uses.
    rows() {
      const { tokens, names } = this.text;
      const found = {};
      for (let c = 0; c + 1 < this.start.length; c++) {
        const row = {};
        let context = "";
        for (let k = this.start[c]; k < this.start[c + 1]; k++) {
          const place = this.positions[k];
          context = "";
          for (let j = 0; j < this.order; j++) context += names[tokens[(place + j) % tokens.length]];
          const next = names[tokens[(place + this.order) % tokens.length]];
          row[next] = (row[next] ?? 0) + 1;
        }
        found[context] = row;
      }
      return found;
    }
  }

  function* train(text, order) {
    const { tokens, names } = text;
    const end = tokens.length;
    if (end === 0) throw new Problem("There is no text to learn from; paste or open one.");
    const contexts = tokens.slice();
    let size = names.length;
    for (let k = 1; k < order; k++) {
      const pairs = new Pairs();
      for (let i = 0; i < end; i++) {
        contexts[i] = pairs.number(contexts[i], tokens[(i + k) % end]);
        if (i % PIECE === 0) yield (k - 1 + i / end) / order;
      }
      size = pairs.size;
    }
    const model = new NGram(text, order, contexts, size);
    const { start, positions } = model;
    for (let i = 0; i < end; i++) {
      start[contexts[i] + 1]++;
      if (i % PIECE === 0) yield (order - 1) / order;
    }
    for (let c = 0; c < size; c++) start[c + 1] += start[c];
    const next = start.slice(0, size);
    for (let i = 0; i < end; i++) {
      positions[next[contexts[i]]++] = i;
      if (i % PIECE === 0) yield (order - 1 + i / end) / order;
    }
    return model;
  }

  // A text with exactly the counts of Shakespeare's sequences of six characters: a way through the
  // graph of five-character contexts that takes each sequence as often as it occurs there, and
  // ends where it began (Hierholzer's algorithm, at each step a random way on).
  function* shakespeare(rng) {
    const { alphabet, grams } = Laboratory.shakespeare;
    const { codes, counts } = unpack(grams);
    const size = alphabet.length;
    const last = (code) => code % size;
    const contexts = [];
    const start = [];
    for (let e = 0; e < codes.length; e++) {
      const context = Math.floor(codes[e] / size);
      if (contexts[contexts.length - 1] !== context) contexts.push(context), start.push(e);
    }
    start.push(codes.length);
    yield 0.1;
    const number = new Map(contexts.map((context, c) => [context, c]));
    const power = size ** 5;
    const leads = Int32Array.from(codes, (code) => number.get(code % power));
    yield 0.2;
    const left = Int32Array.from(counts);
    const remaining = new Int32Array(contexts.length);
    let total = 0;
    for (let c = 0; c < contexts.length; c++) {
      for (let e = start[c]; e < start[c + 1]; e++) remaining[c] += left[e];
      total += remaining[c];
    }
    const path = new Int32Array(total + 1); // edges on the way, then taken back into the circuit
    const tokens = new Int32Array(total);
    let depth = 0;
    let written = total;
    let here = 0;
    for (let steps = 0; ; steps++) {
      if (remaining[here] > 0) {
        let pick = rng.below(remaining[here]--);
        let e = start[here];
        while (pick >= left[e]) pick -= left[e++];
        left[e]--;
        path[depth++] = e;
        here = leads[e];
      } else {
        if (depth === 0) break;
        const e = path[--depth];
        tokens[--written] = last(codes[e]);
        here = number.get(Math.floor(codes[e] / size));
      }
      if (steps % PIECE === 0) yield 0.2 + (0.4 * steps) / total;
    }
    return { tokens, names: Array.from(alphabet), unit: "characters" };
  }

  const TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-";
  const SHARED = "!#$%&"; // how many characters a sequence has in common with the one before
  const DIGITS = "(),.:;<=>?"; // of a count above 1

  // The sequences of six characters as numbers, increasing, and their counts.
  function unpack(grams) {
    const kind = new Int8Array(128);
    const value = new Int8Array(128);
    [TOKENS, SHARED, DIGITS].forEach((letters, k) => {
      Array.from(letters, (letter, v) => {
        kind[letter.charCodeAt(0)] = k;
        value[letter.charCodeAt(0)] = v;
      });
    });
    const size = TOKENS.length;
    const codes = [];
    const counts = [];
    const gram = [0, 0, 0, 0, 0, 0];
    let place = 5;
    let digits = 0;
    for (let i = 0; i < grams.length; i++) {
      const unit = grams.charCodeAt(i);
      if (kind[unit] === 2) {
        digits = 10 * digits + value[unit];
        counts[counts.length - 1] = digits;
        continue;
      }
      digits = 0;
      if (kind[unit] === 1) {
        place = value[unit];
        continue;
      }
      gram[place] = value[unit];
      if (place < 5) {
        place++;
        continue;
      }
      codes.push(gram.reduce((code, token) => code * size + token, 0));
      counts.push(1);
    }
    return { codes, counts };
  }

  return { decode, count, encode, join, train, shakespeare, unpack, words, MOST_BYTES, bare };
})();
