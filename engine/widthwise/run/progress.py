"""progress_of: how far a run is and how long it will take."""

from dataclasses import dataclass

from widthwise.run.coordinator import Coordinator
from widthwise.run.messages import Quarantine


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Units of this call; blocks of the whole run, with those that an earlier call stored.

    ``seconds_left`` is None until there is a finished unit to scale the prediction by.
    """

    done_units: int
    total_units: int
    done_blocks: int
    total_blocks: int
    seconds_left: float | None
    workers: int
    failures: int
    quarantined: tuple[Quarantine, ...] = ()


def progress_of(coordinator: Coordinator, *, stored_blocks: int) -> Progress:
    """Where a run stands of which ``stored_blocks`` were there before."""
    found = coordinator.ledger
    left = found.open_seconds * found.pace / max(coordinator.workers, 1) if found.open_units else 0.0
    return Progress(
        done_units=found.done_units,
        total_units=found.total_units,
        done_blocks=stored_blocks + found.done_blocks,
        total_blocks=stored_blocks + found.total_blocks,
        seconds_left=left if found.done_units else None,
        workers=coordinator.workers,
        failures=found.failures,
        quarantined=tuple(found.quarantined),
    )
