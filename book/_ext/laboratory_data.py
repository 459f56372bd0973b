"""Write what the laboratory reads of Shakespeare, from the tables that the library ships.

    python book/_ext/laboratory_data.py

Two classic scripts in book/_static/laboratory: `letters.js`, how often each letter begins the word
after "the"; and `shakespeare.js`, how often each sequence of six characters occurs, packed.
"""

import json
from pathlib import Path

from collapse_lib import corpora

FOLDER = Path(__file__).parent.parent / "_static" / "laboratory"
# The packing, which text.js undoes: sequences in increasing order. Each starts with how many
# characters it shares with the one before, if fewer than five; the others follow, then its count
# where that is above 1.
TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-"
SHARED = "!#$%&"
DIGITS = "(),.:;<=>?"


def letters():
    """Return the letters that begin the word after "the", and their counts, largest first."""
    names, counts = corpora.letters_after(" the ")
    return {"names": names, "counts": counts.tolist()}


def packed():
    """Return the alphabet and the packed sequences of six characters."""
    alphabet, grams, counts = corpora.ngram_counts(5)
    pieces, before = [], [None] * 6
    for gram, count in zip(grams.tolist(), counts.tolist(), strict=True):
        tokens = [gram // 65**place % 65 for place in reversed(range(6))]
        shared = next(place for place in range(6) if tokens[place] != before[place])
        if shared < 5:
            pieces.append(SHARED[shared])
        pieces += (TOKENS[token] for token in tokens[shared:])
        if count > 1:
            pieces += (DIGITS[int(digit)] for digit in str(count))
        before = tokens
    return {"alphabet": alphabet, "grams": "".join(pieces)}


def scripts():
    """Return the text of each script, by name."""
    note = "// Written by book/_ext/laboratory_data.py.\n"
    contents = {"letters": letters(), "shakespeare": packed()}
    return {
        f"{name}.js": f"{note}Laboratory.{name} = {json.dumps(content, separators=(',', ':'))};\n"
        for name, content in contents.items()
    }


if __name__ == "__main__":
    for name, script in scripts().items():
        (FOLDER / name).write_text(script, "utf8")
