import os
import re
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import corpora, ngram, recursion, steps
from collapse_lib.schedules import FullySynthetic, PartiallySynthetic, RandomlySampled

TEXT = "the cat sat on the mat; the rat sat on the cat. " * 3
texts = st.text(alphabet="abcd", min_size=1, max_size=60)


def by_dictionary(text, order):
    """Count contexts and what follows, the text read in a circle."""
    length = len(text)
    circle = text * (order // length + 2)
    return Counter((circle[i : i + order], circle[i + order]) for i in range(length))


def as_dictionary(table):
    found = {}
    for j in range(table.contexts.size):
        for token, number in enumerate(table.counts[[j], :].toarray()[0]):
            if number:
                found[table.name(j), table.alphabet[token]] = number
    return found


@given(texts, st.integers(1, 4))
def test_counts_are_those_of_a_dictionary(text, order):
    table = ngram.count(text, order)
    assert as_dictionary(table) == by_dictionary(text, order)
    assert table.sizes.sum() == len(text)
    assert (np.diff(table.contexts) > 0).all()


@given(texts)
def test_encoding_is_undone_by_decoding(text):
    assert ngram.decode(ngram.encode(text, "dcba"), "dcba") == text


@pytest.mark.parametrize("order", range(1, 6))
def test_shipped_counts_of_every_order_are_whole(order):
    table = ngram.tiny_shakespeare(order)
    assert table.counts.sum() == 1_115_394
    assert len(table.alphabet) == 65
    if order < 5:  # every context of the order above ends in one of this
        above = ngram.tiny_shakespeare(order + 1)
        grams = np.unique(above.contexts % 65**order)
        np.testing.assert_array_equal(grams, table.contexts)
    assert table.name(0).startswith("\n")


def test_what_is_written_has_the_transitions_of_the_table():
    table = ngram.count(TEXT, 2)
    text = ngram.decode(ngram.write(table, 5000, rng=3), table.alphabet)
    allowed = by_dictionary(TEXT, 2)
    seen = Counter((text[i : i + 2], text[i + 2]) for i in range(len(text) - 2))
    assert seen.keys() <= allowed.keys()
    after = {token: number for (context, token), number in seen.items() if context == "at"}
    total = sum(after.values())
    sizes = {token: number for (context, token), number in allowed.items() if context == "at"}
    for token, number in sizes.items():
        share = number / sum(sizes.values())
        error = np.sqrt(share * (1 - share) / total)
        assert abs(after.get(token, 0) / total - share) < 4.5 * error
        assert abs(after.get(token, 0) / total - 1 / len(sizes)) > 4.5 * error or share == 1 / 3


def test_first_contexts_come_in_proportion_to_how_often_they_occur():
    table = ngram.count("aaab", 1)
    first = [ngram.write(table, 1, rng)[0] for rng in np.random.default_rng(0).spawn(2000)]
    error = np.sqrt(0.75 * 0.25 / 2000)
    assert abs(np.mean(first) - 0.25) < 4.5 * error
    assert abs(np.mean(first) - 0.5) > 4.5 * error


@settings(deadline=None)
@given(texts, st.integers(1, 3), st.integers(0, 2**32))
def test_resampling_keeps_sizes_and_brings_nothing_new(text, order, seed):
    table = ngram.count(text, order)
    after = ngram.resample(table, seed)
    np.testing.assert_array_equal(after.sizes, table.sizes)
    np.testing.assert_array_equal(after.contexts, table.contexts)
    assert as_dictionary(after).keys() <= as_dictionary(table).keys()
    assert (after.counts.data > 0).all()


def test_resampling_is_a_multinomial_draw_of_every_context():
    table = ngram.count("aab" * 20 + "c", 1)
    rng = np.random.default_rng(1)
    draws = np.array([ngram.resample(table, rng).counts.toarray()[0] for _ in range(4000)])
    n, p = table.sizes[0], table.counts.toarray()[0] / table.sizes[0]
    mean, variance = draws.mean(axis=0), draws.var(axis=0, ddof=1)
    np.testing.assert_array_less(abs(mean - n * p), 4.5 * np.sqrt(n * p * (1 - p) / 4000) + 1e-9)
    np.testing.assert_allclose(variance, n * p * (1 - p), rtol=0.15)


def test_recursion_is_reproducible_and_loses_sequences():
    truth = ngram.count(TEXT, 2)
    learner, alone = ngram.Ngram(2, truth.alphabet), FullySynthetic(len(TEXT))
    tables = list(recursion.run(learner, truth, alone, 30, rng=5))
    again = list(recursion.run(learner, truth, alone, 30, rng=5))
    assert len(tables) == 31
    for one, other in zip(tables, again, strict=True):
        assert (one.counts != other.counts).nnz == 0
        assert one.sizes.sum() == len(TEXT)
    assert tables[-1].counts.nnz < tables[0].counts.nnz
    assert tables[-1].contexts.size < tables[0].contexts.size


def test_a_kept_text_is_in_every_table():
    truth = ngram.count(TEXT, 2)
    learner = ngram.Ngram(2, truth.alphabet)
    _, first, *later = recursion.run(learner, truth, PartiallySynthetic(300, 200), 5, rng=1)
    kept = as_dictionary(first)
    for table in later:
        assert table.sizes.sum() == 500
        counts = as_dictionary(table)
        assert all(counts[gram] >= number for gram, number in kept.items())


@given(st.lists(texts, min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 80))
def test_corpora_of_several_texts(pieces, order, k):
    learner = ngram.Ngram(order, "abcd")
    corpus = learner.pool([(ngram.encode(text, "abcd"),) for text in pieces])
    expected = sum((by_dictionary(text, order) for text in pieces), Counter())
    assert as_dictionary(learner.fit(corpus)) == expected
    beginning = "".join(ngram.decode(tokens, "abcd") for tokens in learner.take(corpus, k))
    assert beginning == "".join(pieces)[:k]


@pytest.mark.parametrize(
    "step",
    [steps.Temperature(0.5), steps.TopK(1), steps.Nucleus(0.6), (steps.MinP(0.4), steps.TopK(2))],
    ids=repr,
)
def test_a_step_changes_what_follows_each_context_and_not_how_often_it_comes(step, monkeypatch):
    table = ngram.count(TEXT, 2)
    monkeypatch.setattr(ngram, "ROWS", 7)
    after = ngram.Ngram(2, table.alphabet).process(table, step)
    np.testing.assert_allclose(after.sizes, table.sizes)
    for j in range(table.contexts.size):
        p = table.counts[[j], :].toarray()[0] / table.sizes[j]
        q = after.counts[[j], :].toarray()[0] / table.sizes[j]
        np.testing.assert_allclose(q, steps.apply(step, p), atol=1e-12)
    text = ngram.decode(ngram.write(after, 3000, rng=2), table.alphabet)
    seen = {(text[i : i + 2], text[i + 2]) for i in range(len(text) - 2)}
    assert seen <= as_dictionary(after).keys()


class Uniform:
    """A step that moves half of the mass to all characters."""

    def apply(self, p):
        return p / 2 + 1 / (2 * p.shape[-1])


def test_a_step_may_bring_no_new_characters():
    learner, message = ngram.Ngram(1, "ab"), "step must give no probability to characters that a"
    with pytest.raises(ValueError, match=message):
        learner.process(ngram.count("abab", 1), Uniform())
    after = learner.process(ngram.count("aabb", 1), Uniform())  # all follow each other here
    assert after.sizes.tolist() == [2, 2]


@pytest.mark.parametrize("schedule", [RandomlySampled(10), PartiallySynthetic(11, 2)], ids=repr)
def test_a_size_below_the_order_is_named(schedule):
    truth = ngram.count("aabbaabaaabb", 3)
    models = recursion.run(ngram.Ngram(3, "ab"), truth, schedule, 6, 0)
    with pytest.raises(ValueError, match="size must be at least the order 3 in a schedule, got"):
        list(models)


def test_collapsed_contexts_and_entropy():
    table = ngram.count("aab", 1)
    assert table.collapsed.tolist() == [False, True]
    assert table.entropy() == pytest.approx(2 / 3 * np.log(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ngram.count("", 1), "text must be a string that is not empty, got ''"),
        (lambda: ngram.count("abc", 1, "ab"), "text must hold characters of the alphabet, got 'c'"),
        (
            lambda: ngram.count("ab", 1, "aab"),
            "alphabet must be a string of at least one character, none repeated, got 'aab'",
        ),
        (
            lambda: ngram.encode("ab", ["a", "b"]),
            "alphabet must be a string of at least one character, none",
        ),
        (
            lambda: ngram.decode([0], "aa"),
            "alphabet must be a string of at least one character, none",
        ),
        (lambda: ngram.decode([0, -1], "ab"), "tokens must hold integers of at least 0, got -1"),
        (lambda: ngram.decode([2], "ab"), "tokens must be below 2, got 2"),
        (lambda: ngram.count_tokens([0, 2], 1, "ab"), "tokens must be below 2, got 2"),
        (lambda: ngram.count_tokens([-1], 1, "ab"), "tokens must hold integers of at least 0, got"),
        (lambda: ngram.count_tokens(["a"], 1, "ab"), "tokens must hold integers, got an array of"),
        (lambda: ngram.count_tokens([], 1, "ab"), "tokens must hold at least one token, got none"),
        (lambda: ngram.count_tokens([[0]], 1, "ab"), "tokens must have shape (length,), got shape"),
        (lambda: ngram.count_tokens(0, 1, "ab"), "tokens must have shape (length,), got shape ()"),
        (lambda: ngram.count_tokens([0], 0, "ab"), "order must be an integer of at least 1, got 0"),
        (
            lambda: ngram.count_tokens([0], 70, "ab"),
            "order must be an integer of at most 61, got 70",
        ),
        (
            lambda: ngram.count_tokens([0], 1, "aa"),
            "alphabet must be a string of at least one character, none",
        ),
        (lambda: ngram.count("abc", 0), "order must be an integer of at least 1, got 0"),
        (lambda: ngram.count("ab" * 9, 70), "order must be an integer of at most 61, got 70"),
        (
            lambda: ngram.count("abc", 10**9),
            "order must be an integer of at most 38, got",
        ),
        (lambda: ngram.count("a", 10**9), "order must be an integer of at most 61, got"),
        (lambda: ngram.Ngram(1, "aa"), "alphabet must be a string of at least one character, none"),
        (lambda: ngram.Ngram(0, "ab"), "order must be an integer of at least 1, got 0"),
        (lambda: ngram.tiny_shakespeare(6), "order must be an integer of at most 5, got 6"),
        (
            lambda: ngram.write(ngram.count("abc", 2), 1, 0),
            "length must be an integer of at least 2, got 1",
        ),
        (lambda: corpora.ngram_counts(0), "order must be an integer of at least 1, got 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


if "COLLAPSE_DATA" in os.environ:

    def test_shipped_counts_are_those_of_the_text(tmp_path):
        text = corpora.tiny_shakespeare()
        for order in range(1, 6):
            counted, shipped = ngram.count(text, order), ngram.tiny_shakespeare(order)
            assert counted.alphabet == shipped.alphabet
            np.testing.assert_array_equal(counted.contexts, shipped.contexts)
            assert (counted.counts != shipped.counts).nnz == 0
        corpora.write_counts(tmp_path / "again.xz")
        shipped = files("collapse_lib").joinpath(corpora.GRAMS).read_bytes()
        assert (tmp_path / "again.xz").read_bytes() == shipped
