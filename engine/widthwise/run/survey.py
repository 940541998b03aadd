"""survey: what a run directory holds of what is asked for, found without touching it."""

from dataclasses import dataclass
from pathlib import Path

from widthwise.plan import Block
from widthwise.run.request import Request, extended, require_fits
from widthwise.store import Run, completed, open_run, union


@dataclass(frozen=True, kw_only=True)
class Survey:
    """``run`` is None where one is to be made. ``asked`` includes what an extended run was made for before."""

    path: Path
    asked: Request
    run: Run | None
    stored: frozenset[Block]
    missing: tuple[Block, ...]

    @property
    def grows(self) -> bool:
        """Whether the run is to be extended."""
        return self.run is not None and union(self.run.layout, self.asked.layout) != self.run.layout

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.run is not None and not self.missing and not self.grows


def survey(asked: Request, path: Path, *, extend: bool, fresh: bool) -> Survey:
    """Compare a request with the run directory ``path``; ``fresh`` looks away from what is there.

    Raises:
        IdentityError: the run is of another spec, or holds less and ``extend`` is not given.
        CorruptError: the metadata of the run is damaged.
    """
    if fresh or _is_free(path):
        return Survey(path=path, asked=asked, run=None, stored=frozenset(), missing=tuple(asked.blocks()))
    run = open_run(path)
    require_fits(asked, run, extend=extend)
    wanted = extended(asked, run) if extend else asked
    blocks = wanted.blocks()
    stored = completed(path, union(run.layout, wanted.layout), blocks)
    missing = tuple(block for block in blocks if block not in stored)
    return Survey(path=path, asked=wanted, run=run, stored=frozenset(stored), missing=missing)


def _is_free(path: Path) -> bool:
    """Whether a run can be made here: nothing, or an empty directory."""
    return not path.exists() or (path.is_dir() and next(path.iterdir(), None) is None)
