"""Names of schedules and chains, on the command line and in the records.

N is the number of sequences of the real corpus. Shares are synthetic to real, in percent.

=====================  =====================================================================
``synthetic``          N sequences of the last model alone
``real-kept:20/80``    the real corpus, kept, and as many sequences of the last model as make
                       20 percent of the whole: N/4
``real-fresh:20/80``   the same with N new real sequences in each generation
``recent:3``           N sequences of each of the last 3 models; ``recent-kept:3``, drawn once
``accumulating``       the real corpus and N sequences of every model so far, all kept
``random``             N sequences, each of a model chosen at random; ``random-kept``, drawn once
``real``               the real corpus alone: generations differ by chance alone
=====================  =====================================================================
"""

import re
from fractions import Fraction

from collapse_lib import schedules, steps

ALONE = {
    "synthetic": lambda N: schedules.FullySynthetic(N),
    "accumulating": lambda N: schedules.Accumulating(N, N),
    "random": lambda N: schedules.RandomlySampled(N),
    "random-kept": lambda N: schedules.RandomlySampled(N, kept=True),
    "real": lambda N: schedules.PartiallySynthetic(N, 0),
}
MIXED = {"real-kept": schedules.PartiallySynthetic, "real-fresh": schedules.FreshReal}
GRAMMAR = (
    "'synthetic', 'real-kept:SYNTHETIC/REAL', 'real-fresh:SYNTHETIC/REAL', 'recent:MODELS', "
    "'recent-kept:MODELS', 'accumulating', 'random', 'random-kept' or 'real'"
)
#: The longest window that a name can ask for.
LONGEST_WINDOW = 1000


def parse_schedule(name, sequences):
    """Return the schedule that a name stands for, in units of sequences.

    Parameters
    ----------
    name : str
    sequences : int
        N, the number of sequences in the real corpus.

    Raises
    ------
    ValueError
        If there is no such schedule, or a share is not a whole number of sequences.

    Examples
    --------
    >>> parse_schedule("real-kept:20/80", 512)
    PartiallySynthetic(real=512, synthetic=128)
    >>> parse_schedule("recent:3", 512)
    MostRecent(n=1536, window=3, kept=False)
    """
    if name in ALONE:
        return ALONE[name](sequences)
    if window := re.fullmatch(r"recent(-kept)?:([1-9]\d{0,3})", name):
        models = int(window[2])
        if models <= LONGEST_WINDOW:
            return schedules.MostRecent(models * sequences, models, kept=bool(window[1]))
    if shares := re.fullmatch(r"(real-kept|real-fresh):(\d{1,2})/(\d{1,2})", name):
        synthetic, real = map(int, shares.groups()[1:])
        if real and synthetic + real == 100:
            added = Fraction(sequences * synthetic, real)
            if added.denominator > 1:
                raise ValueError(
                    f"schedule must make whole sequences, got {name!r}, which adds"
                    f" {float(added):.2f} to {sequences} real ones"
                )
            return MIXED[shares[1]](sequences, int(added))
    raise ValueError(f"schedule must be {GRAMMAR}, with shares that add up to 100, got {name!r}")


def chain_name(schedule, step=None):
    """Return the name of a chain: its schedule, and its step if it has one.

    Examples
    --------
    >>> chain_name("synthetic", steps.Nucleus(0.9))
    'synthetic, top-p 0.9'
    """
    name = schedule if isinstance(schedule, str) else repr(schedule)
    return name if step is None else f"{name}, {steps.name(step)}"


def slug(name):
    """Turn a name into the name of a folder.

    Examples
    --------
    >>> slug("real-kept:20/80, temperature 0.8")
    'real-kept-20-80-temperature-0.8'
    """
    return re.sub(r"[^\w.=]+", "-", name).strip("-.")
