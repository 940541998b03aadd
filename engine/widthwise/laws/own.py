"""How a user adds a law: a sampler, which must keep what it promises."""

import math
import re

import numpy as np

from widthwise.errors import SpecError
from widthwise.laws.names import FAMILIES, Law, Sampler, adopt_laws, registered_laws
from widthwise.randomness import DATA, numpy_generator
from widthwise.sources import source_of

SAMPLE = 1 << 18
"""Numbers that a sampler is tried with."""

TOLERANCE = 6.0
"""Standard errors that the mean and the variance of the sample may be off: by chance once in 5e8."""


def register_law(name: str, sampler: Sampler) -> Law:
    """Make a law of one's own known to this process and the workers it starts.

    It is tried with 2**18 numbers at a fixed address; its code belongs to the identity of a run.

    Args:
        name: what a spec will say; letters, digits and underscores.
        sampler: ``sampler(generator, shape)`` draws independent entries of mean 0 and variance 1 from the numpy
            generator, and from nothing else.

    Returns:
        The law.

    Raises:
        SpecError: the name is taken or no word, or the sample has another shape, numbers that are not finite, or a mean
            or variance more than 6 standard errors away from 0 and 1.
    """
    if name in FAMILIES or name in {own.name for own in registered_laws()}:
        message = f"register_law: {name!r} is taken; choose another name"
        raise SpecError(message)
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        message = f"register_law: {name!r} is no name; use letters, digits and underscores, a letter first"
        raise SpecError(message)
    _check(name, sampler)
    own = Law(name=name, family=name, source=source_of(sampler), sampler=sampler)
    adopt_laws([own])
    return own


def _check(name: str, sampler: Sampler) -> None:
    sample = np.asarray(sampler(numpy_generator(0, DATA), (SAMPLE,)), dtype=np.float64)
    if sample.shape != (SAMPLE,):
        _refuse(name, f"gave shape {sample.shape} when asked for {(SAMPLE,)}; give as many numbers as asked for")
    if not np.isfinite(sample).all():
        _refuse(name, "gave numbers that are not finite; a law with a variance has none")
    for moment, numbers, target in (("mean", sample, 0.0), ("variance", (sample - sample.mean()) ** 2, 1.0)):
        error = TOLERANCE * numbers.std() / math.sqrt(SAMPLE)
        if abs(numbers.mean() - target) > error + 1e-9:
            found = f"{moment} is {numbers.mean():.6g} over {SAMPLE} numbers, not {target:g} within {error:.2g}"
            _refuse(name, f"{found}; subtract the mean and divide by the standard deviation of the law")


def _refuse(name: str, what: str) -> None:
    message = f"register_law: the sample of {name!r}: {what}"
    raise SpecError(message)
