// How the search orders what it finds: pages whose keywords (book/keywords.yml) the query names
// come first, and the reference of the library last. publishing.py puts BOOK_KEYWORDS before it.
const SCARCE_WORDS = new Set("a an and are at by do does for i if in is it my of on or the to what when which who why with".split(" "));

// Word forms that count as equal: "filters" for "filter", "accumulate" for "accumulating".
function alike(one, other) {
  let shared = 0;
  while (shared < one.length && one[shared] === other[shared]) shared += 1;
  return shared >= 0.7 * Math.max(one.length, other.length);
}

function wordsOf(text) {
  const words = text.toLowerCase().match(/[\p{L}\d_-]+/gu) ?? [];
  const rare = words.filter((word) => !SCARCE_WORDS.has(word));
  return rare.length ? rare : words;
}

// Between 0 and 1: how much of the query the phrase covers, and of the phrase the query.
function agreement(query, phrase) {
  const named = query.filter((word) => phrase.some((other) => alike(word, other))).length;
  const used = phrase.filter((word) => query.some((other) => alike(word, other))).length;
  return (named / query.length) * (used / phrase.length);
}

var Scorer = {
  score: ([page, title, , , score]) => {
    const query = wordsOf(new URLSearchParams(location.search).get("q") ?? "");
    const phrases = [...(BOOK_KEYWORDS[page] ?? []), title.replace(/<.*?>[\d. ]*/g, "")];
    const best = Math.max(...phrases.map((phrase) => agreement(query, wordsOf(phrase))));
    return score + 100 * best + (page.startsWith("book/api/") ? -10 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
