"""Exponential families with a quadratic variance function, in which a model is its mean.

In a one-parameter natural exponential family the mean mu determines everything, including the
variance V(mu), the variance function. Maximum likelihood sets mu to the mean of the n samples. If V
is quadratic, ``V(mu) = v0 + v1 mu + v2 mu^2``, its expectation follows a simple rule under
retraining, ``E V(mu_m) = (1 + v2/n)^m V(mu_0)``; we call v2 the `curvature`. Up to shifts, scalings
and sums of independent copies there are six such families (Morris, Ann. Statist. 10, 1982)::

    family                      v2     lives on      counts or measures
    Bernoulli()                 -1     0, 1          whether a token occurs
    Poisson()                    0     0, 1, 2, ...  how often something occurs
    Normal(variance)             0     all numbers   with known error
    Gamma(shape)           1/shape     above 0       waiting times
    Geometric()                  1     0, 1, 2, ...  failures before a success
    HyperbolicSecant()           1     all numbers   the sixth

`Gaussian` fits two parameters, mean and variance. It is not in the table, but its variance follows
the same rule with v2 = -1. All are learners for `collapse_lib.recursion.run`: a model is a float
(for `Gaussian` an array), a corpus an array.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from collapse_lib import _checks


class _Family:
    """The methods that all families share: a corpus is an array, training takes its mean."""

    #: The least and the largest mean, at which the variance may be 0.
    domain: ClassVar = (-np.inf, np.inf)

    def fit(self, corpus):
        """Return the mean of a corpus, the maximum likelihood model."""
        return float(np.mean(corpus))

    def sample(self, model, size, rng):
        """Return `size` samples of the model with this mean, in the order drawn."""
        return self.draw_mean(np.full(size, self._mean(model)), 1, rng)

    def pool(self, corpora):
        """Return several corpora as one."""
        return np.concatenate(corpora)

    def take(self, corpus, k):
        """Return the first k samples of a corpus."""
        return corpus[:k]

    def variance(self, mean):
        """Return V(mean), the variance of one sample, with the shape of `mean`."""
        v = self._variance(self._mean(mean))
        return v if np.ndim(v) else float(v)

    def draw_mean(self, mean, n, rng):
        """Return the mean of n samples, independently for each mean: the next generation.

        Parameters
        ----------
        mean : float or array_like
            The means of the models, in the domain of the family including its ends.
        n : int
            Samples per model, at least 1.
        rng : numpy.random.Generator or int

        Returns
        -------
        float or ndarray of the shape of `mean`

        Raises
        ------
        ValueError
            If a mean lies outside the domain, or `n` is less than 1.
        """
        mean, n = self._mean(mean), _checks.integer(n, "n", 1)
        drawn = self._draw_mean(mean, n, _checks.generator(rng))
        return drawn if np.ndim(drawn) else float(drawn)

    def _mean(self, mean):
        return _checks.within(mean, "mean", *self.domain)


@dataclass(frozen=True)
class Bernoulli(_Family):
    """Whether a token occurs; the mean is its probability. This is counting with two tokens.

    Examples
    --------
    >>> Bernoulli().variance(0.25), Bernoulli().curvature
    (0.1875, -1.0)
    """

    domain: ClassVar = (0, 1)
    curvature: ClassVar = -1.0

    def _variance(self, mean):
        return mean * (1 - mean)

    def _draw_mean(self, mean, n, rng):
        return rng.binomial(n, mean) / n


@dataclass(frozen=True)
class Poisson(_Family):
    """How often something occurs; the variance equals the mean.

    Examples
    --------
    >>> Poisson().variance(3), Poisson().curvature
    (3.0, 0.0)
    """

    domain: ClassVar = (0, np.inf)
    curvature: ClassVar = 0.0

    def _variance(self, mean):
        return mean

    def _draw_mean(self, mean, n, rng):
        return rng.poisson(n * mean) / n


@dataclass(frozen=True)
class Normal(_Family):
    """Measurements with known error; the variance is constant, the mean does a random walk.

    Parameters
    ----------
    variance : float
        Above 0. The method `variance(mean)` returns it.

    Examples
    --------
    >>> Normal(2).variance(5), Normal(2).curvature
    (2.0, 0.0)
    """

    known: float
    curvature: ClassVar = 0.0

    def __init__(self, variance):
        object.__setattr__(self, "known", _checks.positive(variance, "variance"))

    def __repr__(self):
        return f"Normal(variance={self.known})"

    def _variance(self, mean):
        return np.full(mean.shape, self.known)[()]

    def _draw_mean(self, mean, n, rng):
        return rng.normal(mean, np.sqrt(self.known / n))


@dataclass(frozen=True)
class Gamma(_Family):
    """Waiting times; the spread is proportional to the mean, V = mean^2 / shape.

    Parameters
    ----------
    shape : float
        Above 0, known; 1 is the exponential distribution.

    Examples
    --------
    >>> Gamma(4).variance(2), Gamma(4).curvature
    (1.0, 0.25)
    """

    shape: float
    domain: ClassVar = (0, np.inf)

    def __post_init__(self):
        object.__setattr__(self, "shape", _checks.positive(self.shape, "shape"))

    @property
    def curvature(self):
        """Return v2, the inverse of the shape."""
        return 1 / self.shape

    def _variance(self, mean):
        return mean**2 / self.shape

    def _draw_mean(self, mean, n, rng):
        total = n * self.shape
        return rng.gamma(total, mean / total)


@dataclass(frozen=True)
class Geometric(_Family):
    """Failures before the first success; V = mean + mean^2.

    Examples
    --------
    >>> Geometric().variance(3), Geometric().curvature
    (12.0, 1.0)
    """

    domain: ClassVar = (0, np.inf)
    curvature: ClassVar = 1.0

    def _variance(self, mean):
        return mean + mean**2

    def _draw_mean(self, mean, n, rng):
        return rng.negative_binomial(n, 1 / (1 + mean)) / n


@dataclass(frozen=True)
class HyperbolicSecant(_Family):
    """The sixth family, which is rarely used; V = 1 + mean^2 is never 0.

    At mean 0 the density is ``1 / (2 cosh(pi x / 2))``. A sample of mean mu is
    ``log(B / (1 - B)) / pi``, where B has a beta distribution with parameters a and 1 - a,
    ``a = 1/2 + arctan(mu) / pi``.

    Examples
    --------
    >>> HyperbolicSecant().variance(3), HyperbolicSecant().curvature
    (10.0, 1.0)
    """

    curvature: ClassVar = 1.0

    def _variance(self, mean):
        return 1 + mean**2

    def _draw_mean(self, mean, n, rng):
        # log(B / (1 - B)) is the difference of the logarithms of two gamma variables.
        total = np.zeros(mean.shape)
        up, down = (np.arctan2(1, -mean) / np.pi, np.arctan2(1, mean) / np.pi)
        for _ in range(n):
            total += _log_gamma(up, rng) - _log_gamma(down, rng)
        return total / (n * np.pi)


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution whose mean and variance are both fitted (Shumailov et al. 2024).

    A model is an array (mean, variance): the mean of the samples, and the mean of their squared
    distances from it.

    Examples
    --------
    >>> Gaussian().fit(np.array([1.0, 3.0]))
    array([2., 1.])
    """

    curvature: ClassVar = -1.0

    def fit(self, corpus):
        """Return the mean and the variance of a corpus, shape (2,)."""
        return np.array([np.mean(corpus), np.var(corpus)])

    def sample(self, model, size, rng):
        """Return `size` samples of a model, in the order drawn."""
        return rng.normal(model[0], np.sqrt(model[1]), size)

    def pool(self, corpora):
        """Return several corpora as one."""
        return np.concatenate(corpora)

    def take(self, corpus, k):
        """Return the first k samples of a corpus."""
        return corpus[:k]


def _log_gamma(shape, rng):
    """Return the logarithms of gamma variables of these shapes, accurate even for tiny shapes."""
    # Gamma(a) is Gamma(a + 1) times U^(1/a), and -log U is exponential.
    return np.log(rng.gamma(shape + 1)) - rng.exponential(size=np.shape(shape)) / shape
