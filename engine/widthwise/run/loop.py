"""run_units: the coordinator's instructions carried out by an executor until it says that it is finished."""

import time
from collections.abc import Callable, Sequence

from widthwise.run.coordinator import Coordinator
from widthwise.run.executor import Executor
from widthwise.run.interrupts import Interrupts
from widthwise.run.messages import (
    Assign,
    Event,
    Finish,
    Instruction,
    KillWorker,
    Quarantine,
    RestartWorker,
    StopAsked,
    Tick,
)

POLL_SECONDS = 0.1
"""How long a signal may go unnoticed."""


def run_units(
    coordinator: Coordinator,
    executor: Executor,
    interrupts: Interrupts,
    observe: Callable[[Event], None],
    record: Callable[[Event | Instruction], None] = lambda message: None,
) -> None:
    """Feed events to the coordinator and carry out its answers; ``observe`` sees every event after its answer.

    ``record`` sees everything that is said, in order.

    Raises:
        WidthwiseError: whatever ended the run before every unit was done or quarantined.
    """

    def carry_out(instructions: Sequence[Instruction]) -> None:
        for instruction in instructions:
            record(instruction)
            _carry_out(instruction, executor)

    carry_out(coordinator.begin(time.monotonic()))
    while not coordinator.finished:
        for event in _happenings(executor, interrupts):
            record(event)
            carry_out(coordinator.handle(event, time.monotonic()))
            observe(event)


def _happenings(executor: Executor, interrupts: Interrupts) -> Sequence[Event]:
    events = executor.poll(POLL_SECONDS)
    if interrupts.error is not None:
        return [StopAsked(error=interrupts.error)]
    return [*events, Tick()]


def _carry_out(instruction: Instruction, executor: Executor) -> None:
    match instruction:
        case Assign():
            executor.assign(instruction.worker, instruction.unit, instruction.attempt)
        case KillWorker():
            executor.kill(instruction.worker)
        case RestartWorker():
            executor.start(instruction.worker)
        case Quarantine():
            pass  # kept by the coordinator until the end
        case Finish():
            if instruction.error is not None:
                raise instruction.error
