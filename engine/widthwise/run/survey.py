"""survey: what a run directory holds of what is asked for, found without touching it."""

from dataclasses import dataclass

from widthwise.plan import Span, joined
from widthwise.run.request import Request, extended, require_fits
from widthwise.store import Run, RunPath, completed, is_free, open_run, union


@dataclass(frozen=True, kw_only=True)
class Survey:
    """``run`` is None where one is to be made. ``asked`` includes what an extended run was made for before."""

    path: RunPath
    asked: Request
    run: Run | None
    stored_blocks: int
    missing: tuple[Span, ...]

    @property
    def missing_blocks(self) -> int:
        """How many blocks are to be computed."""
        return sum(span.count for span in self.missing)

    @property
    def grows(self) -> bool:
        """Whether the run is to be extended."""
        return self.run is not None and union(self.run.layout, self.asked.layout) != self.run.layout

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.run is not None and not self.missing and not self.grows


def survey(asked: Request, path: RunPath, *, extend: bool, fresh: bool) -> Survey:
    """Compare a request with the run directory ``path``; ``fresh`` looks away from what is there.

    Raises:
        IdentityError: the run is of another spec, or holds less and ``extend`` is not given.
        CorruptError: the metadata of the run is damaged.
    """
    if fresh or is_free(path):
        return Survey(path=path, asked=asked, run=None, stored_blocks=0, missing=tuple(asked.spans()))
    run = open_run(path)
    require_fits(asked, run, extend=extend)
    wanted = extended(asked, run) if extend else asked
    spans = wanted.spans()
    stored = completed(path, union(run.layout, wanted.layout), (block for span in spans for block in span.blocks))
    missing = [part for span in spans for part in joined(block for block in span.blocks if block not in stored)]
    return Survey(path=path, asked=wanted, run=run, stored_blocks=len(stored), missing=tuple(missing))
