"""Progress: how far a run is and how long it will take."""

from dataclasses import dataclass

from widthwise.run.coordinator import Coordinator
from widthwise.run.messages import Event, UnitDone


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


class ProgressMeter:
    """Adds up what the events of a run say; ``stored_blocks`` were there before."""

    def __init__(self, coordinator: Coordinator, *, stored_blocks: int) -> None:
        self._coordinator = coordinator
        self._stored_blocks = stored_blocks
        self._predicted = 0.0
        self._taken = 0.0

    def after(self, event: Event) -> Progress:
        """Where the run stands after an event that the coordinator has answered."""
        if isinstance(event, UnitDone):
            self._predicted += event.unit.seconds
            self._taken += event.seconds
        done, unfinished = self._coordinator.done, self._coordinator.unfinished
        given_up = [quarantine.unit for quarantine in self._coordinator.quarantined]
        done_blocks = self._stored_blocks + sum(len(unit.blocks) for unit in done)
        open_blocks = sum(len(unit.blocks) for unit in (*unfinished, *given_up))
        return Progress(
            done_units=len(done),
            total_units=len(done) + len(unfinished) + len(given_up),
            done_blocks=done_blocks,
            total_blocks=done_blocks + open_blocks,
            seconds_left=self._seconds_left(),
            workers=self._coordinator.workers,
            failures=self._coordinator.failures,
        )

    def _seconds_left(self) -> float | None:
        if not self._predicted:
            return None
        left = sum(unit.seconds for unit in self._coordinator.unfinished)
        return left * self._taken / self._predicted / max(self._coordinator.workers, 1)
