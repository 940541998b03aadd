"""Names of jobs: the same run and place is the same job, so that submitting twice does not compute twice."""

import hashlib
import re
from collections.abc import Iterable

PREFIX = "widthwise-"


def job_family(identity: str, out: str) -> str:
    """What the jobs of one run directory have in common: ``widthwise-`` and 12 digits of a hash.

    Args:
        identity: hash of the run's identity.
        out: where the run is written, as the job is told.
    """
    return PREFIX + hashlib.sha256(f"{identity}\n{out}".encode()).hexdigest()[:12]


def members(family: str, names: Iterable[str]) -> list[str]:
    """The names of the family in the order of their numbers."""
    numbered = re.compile(re.escape(family) + r"-([1-9][0-9]*)")
    found = {name: int(match[1]) for name in names if (match := numbered.fullmatch(name))}
    return sorted(found, key=found.__getitem__)


def next_name(family: str, names: Iterable[str]) -> str:
    """The first name of the family after those that were used; Ray never takes one again."""
    used = members(family, names)
    return f"{family}-{int(used[-1].rpartition('-')[2]) + 1 if used else 1}"
