"""Tokens, batches, and the errors of texts that nothing can be trained on."""

import re

import numpy as np
import pytest
import torch

from collapse_lib.gpt import data
from tests.gpt_support import config, corpus, text


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_encoding_and_decoding():
    tokenizer = data.Tokenizer.of(text())
    tokens = tokenizer.encode(text())
    assert tokens.dtype == torch.uint8
    assert tokenizer.decode(tokens) == text()
    assert tokenizer.decode(torch.tensor([tokenizer.start])) == "\n"
    assert data.Tokenizer("abc").start == 0


def test_large_vocabularies_take_more_bits():
    tokenizer = data.Tokenizer("".join(map(chr, range(1000, 1300))))
    assert tokenizer.encode(chr(1299)).tolist() == [299]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.Tokenizer("abc").encode("cabé!"), "of the alphabet, got '!', 'é'"),
        (lambda: data.Tokenizer("a").encode("bcdefgh"), "got 'b', 'c', 'd', 'e', 'f', ..."),
        (lambda: data.Tokenizer.of(""), "text must be a string that is not empty, got ''"),
        (
            lambda: data.Tokenizer("aa"),
            "characters must be a string of at least one character, none repeated, got 'aa'",
        ),
        (lambda: data.split("", 16), "text must be a string that is not empty"),
        (lambda: data.split("abc" * 30, 16), "text must have at least 171 characters"),
    ],
)
def test_bad_texts(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("held_out", [0.1, 0.3, 0.8])
def test_the_least_length_that_is_named_suffices(held_out):
    with pytest.raises(ValueError, match="at least") as failure:
        data.split("a" * 17, 16, held_out)
    least = int(re.search(r"at least (\d+)", str(failure.value))[1])
    _, training, validation = data.split("a" * least, 16, held_out)
    assert min(training.shape[1], validation.shape[1]) >= 17


def test_split_loses_nothing():
    tokenizer, training, validation = data.split(text(), 16)
    assert tokenizer.decode(torch.cat([training, validation], dim=1)[0]) == text()
    assert validation.shape == (1, 400)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.zeros(40), "shape (sequences, more than the context of 16), got (40,)"),
        (torch.zeros(2, 16), "got (2, 16)"),
        (torch.zeros(0, 40), "got (0, 40)"),
        (torch.full((2, 40), 41), "corpus must hold tokens from 0 to 39, got 41 to 41"),
    ],
)
def test_corpora_that_do_not_fit_the_model(bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        data.check_corpus(bad, config())


def test_batches_are_windows_of_single_sequences():
    tokens = torch.arange(3)[:, None] * 1000 + torch.arange(20)  # who and where, in a number
    inputs, targets = data.batch(tokens, 500, 16, generator())
    assert inputs.shape == targets.shape == (500, 16)
    assert (targets == inputs + 1).all()
    assert (inputs[:, 1:] == inputs[:, :-1] + 1).all()
    begins = {divmod(begin, 1000) for begin in inputs[:, 0].tolist()}
    assert begins == {(sequence, at) for sequence in range(3) for at in range(4)}


def test_windows_predict_every_token_once():
    inputs, targets = data.windows(torch.arange(33)[None], 16)
    assert targets.flatten().tolist() == list(range(1, 33))
    assert (targets == inputs + 1).all()
    assert len(data.windows(torch.arange(100)[None], 16, tokens=40)[0]) == 2


def test_the_checksum_is_that_of_the_tokens():
    tokens, _ = corpus()
    other = tokens.clone()
    other[0, 0] += 1
    assert data.checksum(tokens) == data.checksum(tokens.clone()) != data.checksum(other)
    assert len(data.checksum(torch.from_numpy(np.zeros((1, 3), np.uint8)))) == 64
