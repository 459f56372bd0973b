"""How far a run is, and how long it will still take."""

from time import perf_counter

EVERY = 10  # seconds between two lines, unless a generation is finished


class Progress:
    """Count what is done of what is planned.

    Parameters
    ----------
    planned : dict
        Amounts of work by kind, such as {"trained": 7320, "sampled": 5_000_000}.
    workers : int
        How many processes share it.
    say : callable
        Takes a line of text.

    Examples
    --------
    >>> progress = Progress({"trained": 100, "sampled": 0}, workers=2, say=print)
    >>> progress.done("trained", 40, seconds=20.0)
    >>> progress.left()
    15.0
    """

    def __init__(self, planned, workers=1, say=print):
        self.planned, self.workers, self.say = planned, workers, say
        self.amounts = dict.fromkeys(planned, 0)
        self.seconds = dict.fromkeys(planned, 0.0)
        self.said = perf_counter()

    def __call__(self, kind, *what):
        """Take a report of `collapse_lib.gpt.experiment.Recursion`."""
        if kind == "finished":
            self.finished(*what)
        else:
            self.done(kind, *what)

    def done(self, kind, amount, seconds):
        """Count work that took so many seconds of one process."""
        self.amounts[kind] += amount
        self.seconds[kind] += seconds
        if perf_counter() - self.said > EVERY:
            shares = ", ".join(
                f"{kind} {self.amounts[kind] / max(1, planned):.0%}"
                for kind, planned in self.planned.items()
            )
            self._say(shares)

    def finished(self, found, seed):
        """Say what a generation has come to."""
        self._say(
            f"seed {seed}, {found['mixture'] if found['generation'] > 1 else 'all mixtures'},"
            f" generation {found['generation']}: held-out loss {found['held_out_loss']:.3f},"
            f" distance from p^(1) {found['l1_from_first'][0]:.3f}"
        )

    def left(self):
        """Return the seconds that are left, None before anything can be known."""
        total = 0.0
        for kind, planned in self.planned.items():
            remaining = planned - self.amounts[kind]
            if remaining > 0 and not self.amounts[kind]:
                return None
            if remaining > 0:
                total += remaining * self.seconds[kind] / self.amounts[kind]
        return total / self.workers

    def _say(self, line):
        left = self.left()
        self.say(line + ("" if left is None else f" - {duration(left)} left"))
        self.said = perf_counter()


def duration(seconds):
    """Return a time as a reader would say it.

    Examples
    --------
    >>> duration(42), duration(600), duration(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
