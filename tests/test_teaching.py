"""The game in the page for teachers, played by its rules, ends as the page promises.

Only the page's own example uses the library; the rest is rows of words, dice and coins.
"""

import doctest
import random
import re
from math import comb, sqrt
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "book" / "teaching.md").read_text("utf8")
GAMES = 20_000


def play(rng, rows, keep=False):
    """Return the rows of one game; with `keep` a coin decides between first and latest row."""
    game = [list("ABCDEF")]
    for _ in range(rows):
        sources = [game[0] if keep and rng.random() < 0.5 else game[-1] for _ in range(6)]
        game.append([source[rng.randrange(6)] for source in sources])
    return game


@pytest.fixture(scope="module")
def games():
    rng = random.Random(0)
    return [play(rng, 10) for _ in range(GAMES)]


def variety(words):
    return 1 - sum((words.count(word) / len(words)) ** 2 for word in set(words))


def off(values, promised):
    """Return by how many standard errors the mean of the values is off."""
    mean = sum(values) / len(values)
    error = sqrt(sum((value - mean) ** 2 for value in values) / len(values) ** 2)
    return abs(mean - promised) / error


def test_the_pages_example_runs():
    (example,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    test = doctest.DocTestParser().get_doctest(example, {}, "game", "book/teaching.md", 0)
    assert len(test.examples) > 5
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_first_new_row_has_four_words(games):
    assert "(3.99)" in PAGE
    different = [len(set(game[1])) for game in games]
    assert off(different, 6 * (1 - (5 / 6) ** 6)) < 4 < off(different, 4.05)


def test_half_of_the_variety_is_gone_after_four_rows(games):
    shares = [variety(game[4]) / (5 / 6) for game in games]
    assert off(shares, (5 / 6) ** 4) < 4 < off(shares, (5 / 6) ** 3)
    assert abs((5 / 6) ** 4 - 0.5) < 0.02


def test_two_thirds_finish_within_ten_rows(games):
    finished = [len(set(game[-1])) == 1 for game in games]
    assert off(finished, 0.664) < 4 < off(finished, 0.60)
    share = sum(finished) / GAMES
    classes = sum(comb(10, k) * share**k * (1 - share) ** (10 - k) for k in range(4, 10))
    assert "about four classes in a hundred fall outside" in PAGE
    assert classes == pytest.approx(0.963, abs=0.006)


def test_all_words_win_equally_often(games):
    winners = [game[-1][0] for game in games if len(set(game[-1])) == 1]
    for word in "ABCDEF":
        assert off([winner == word for winner in winners], 1 / 6) < 4


def test_the_average_time_is_as_promised():
    """Games to the end. One game's time spreads by about 6 rows."""
    rng, times = random.Random(1), []
    for _ in range(GAMES):
        row, time = list("ABCDEF"), 0
        while len(set(row)) > 1:
            row, time = [rng.choice(row) for _ in row], time + 1
        times.append(time)
    assert "is 9.7 rows" in PAGE
    assert off(times, 9.66) < 4 < off(times, 10)  # 2n - 2 is near, and wrong


def test_with_the_real_data_kept_variety_settles_at_eighteen_nineteenths():
    rng = random.Random(2)
    games = [play(rng, 12, keep=True) for _ in range(GAMES)]
    shares = [variety(game[0] + game[-1]) / (5 / 6) for game in games]
    assert off(shares, 18 / 19) < 4 < off(shares, 0.95)
    # The share of the latest row alone is smaller: the model is both rows together.
    latest = [variety(game[-1]) / (5 / 6) for game in games]
    assert off(latest, 18 / 19) > 10
