"""How far a run has got, and how long it will still take."""

from time import perf_counter

EVERY = 10  # seconds between lines; a finished generation is logged at once


class Progress:
    """Keep track of how much of the planned work is done.

    Parameters
    ----------
    planned : int
        Training steps. The time for sampling is roughly in proportion.
    log : callable
        Takes a line of text.

    Examples
    --------
    >>> progress = Progress(planned=100, log=print)
    >>> progress.left(elapsed=20.0) is None
    True
    >>> progress.trained(40)
    >>> progress.left(elapsed=20.0)
    30.0
    """

    def __init__(self, planned, log=print):
        self.planned, self.log, self.done = planned, log, 0
        self.start = self.logged = perf_counter()

    def __call__(self, kind, *what):
        """Take a report of a `collapse_lib.gpt.learner.Folder`."""
        called = {"trained": self.trained, "resumed": self.resumed, "finished": self.finished}
        called[kind](*what)

    def trained(self, iterations):
        """Count training steps."""
        self.done += iterations
        if perf_counter() - self.logged > EVERY:
            self._log(f"trained {min(1, self.done / max(1, self.planned)):.0%}")

    def resumed(self, iterations):
        """Leave out training steps that an earlier run has done: they took no time in this one."""
        self.planned -= iterations

    def finished(self, found, seed, name):
        """Log the results of a generation."""
        self._log(
            f"seed {seed}, {name}, generation {found['generation']}: held-out loss"
            f" {found['held_out_loss']:.3f}, distance from p^(1) {found['l1_from_first'][0]:.3f}"
        )

    def left(self, elapsed):
        """Return the seconds left, or None before there is anything to go by."""
        if not self.done:
            return None
        return elapsed * max(0, self.planned - self.done) / self.done

    def _log(self, line):
        self.logged = perf_counter()
        left = self.left(self.logged - self.start)
        self.log(line + ("" if left is None else f" - {duration(left)} left"))


def duration(seconds):
    """Return a time in a readable unit.

    Examples
    --------
    >>> duration(42), duration(600), duration(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
