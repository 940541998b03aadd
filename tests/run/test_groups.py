"""Groups of workers that compute a replicate together: the same bytes; the loss of a member costs its group only."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from run_fakes import numbers, tiny_spec

from widthwise.plan import Block, Series
from widthwise.run import execute
from widthwise.run.canary import canary
from widthwise.run.claim import claimed
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.messages import Event, WorkerLost
from widthwise.run.on_ray import RayExecutor, connected
from widthwise.run.on_ray.groups import Meeting
from widthwise.run.request import request
from widthwise.run.station import Job
from widthwise.run.survey import survey
from widthwise.spaces import Shard
from widthwise.spec import Spec
from widthwise.store import check_run, finish, tree_hash


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    with connected("local", cpus=2):
        yield


def test_the_parts_of_a_round_meet_in_order_whoever_comes_first() -> None:
    async def meet() -> list[list[np.ndarray] | str]:
        meeting = Meeting(3, 5.0)
        gathers = [meeting.gather((0, 0), index, np.array([index])) for index in (2, 0, 1)]
        later = [meeting.gather((0, 1), index, np.array([10 + index])) for index in (1, 2, 0)]
        answers = await asyncio.gather(*later, *gathers)
        assert not meeting._rounds
        return answers

    answers = asyncio.run(meet())
    assert [[int(part[0]) for part in answer] for answer in answers] == [[10, 11, 12]] * 3 + [[0, 1, 2]] * 3


def test_a_meeting_names_who_is_silent_and_does_not_wait_for_who_has_failed() -> None:
    async def meet() -> tuple[list[np.ndarray] | str, ...]:
        meeting = Meeting(2, 0.05)
        silent = await meeting.gather((0, 0), 1, np.zeros(1))
        waiting = asyncio.create_task(meeting.gather((1, 0), 0, np.zeros(1)))
        await asyncio.sleep(0)
        await meeting.break_off(1)
        return silent, await waiting, await meeting.gather((1, 1), 0, np.zeros(1))

    silent, broken, after = asyncio.run(meet())
    assert silent == "shard 0 of 2 was silent for 0.05 s"
    assert broken == after == "shard 1 of 2 has failed"


def together(
    folder: Path, fault: str, spec: Spec, inputs: Sequence[np.ndarray], block: Block, shard: Shard | None = None
) -> Mapping[str, np.ndarray]:
    """The numbers of a block, of which every member gathers half; at the second replicate one goes wrong once."""
    values = numbers(spec, inputs, block)
    if shard is None:
        return values
    for round_ in range(3):
        if shard.index == 1 and block.index == 1 and round_ == 1 and not (folder / "marker").exists():
            (folder / "marker").touch()
            _go_wrong(fault)
        parts = shard.exchange.gather(np.array([10 * round_ + shard.index]))
        assert [int(part[0]) for part in parts] == [10 * round_, 10 * round_ + 1]
    return values


def _go_wrong(fault: str) -> None:
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "silent":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif fault == "raises":
        message = "by itself"
        raise FloatingPointError(message)


@pytest.mark.slow
@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("none", None),
        ("killed", "worker process has died"),
        ("silent", "shard 1 of 2 was silent for 10 s"),
        ("raises", None),
    ],
)
def test_the_loss_of_a_member_costs_its_group_only(tmp_path: Path, fault: str, reason: str | None) -> None:
    spec = tiny_spec(limit={"samples": 64, "replicates": 3})
    execute(spec, tmp_path / "whole.run", address="inline", measure=numbers)
    found = survey(request(spec), tmp_path / "a.run", extend=False, fresh=False)
    lost: list[str] = []

    def observe(event: Event) -> None:
        if isinstance(event, WorkerLost):
            lost.append(event.reason)

    with claimed(found, fresh=False) as run:
        job = Job(
            path=run.path,
            spec=spec,
            inputs=found.asked.inputs,
            layout=run.layout,
            canary=canary(device="cpu", threads=1),
            allow_mixed=False,
            measure=partial(together, tmp_path, fault),
        )
        coordinator = Coordinator([Series(span, 1, 0.01, 1) for span in found.missing], workers=1, limits=Limits())
        executor = RayExecutor(job, workers=1, shards=2, shard_seconds=10.0)
        try:
            run_units(coordinator, executor, Interrupts(None), observe)
        finally:
            executor.close()
        finish(run)
    assert coordinator.ledger.quarantined == []
    assert coordinator.ledger.failures == (fault != "none")
    assert len(lost) == (reason is not None)
    assert reason is None or reason in lost[0]
    assert tree_hash(run.path) == tree_hash(tmp_path / "whole.run")
    assert check_run(run.path) == []


@pytest.mark.slow
@pytest.mark.usefixtures("_ray")
def test_real_kernels_in_groups_have_the_bytes_of_an_inline_run(tmp_path: Path) -> None:
    spec = tiny_spec(experiment="ntk", limit={"samples": 65536, "replicates": 2})
    execute(spec, tmp_path / "whole.run", address="inline")
    outcome = execute(spec, tmp_path / "a.run", address="local", workers=1, shards=2)
    assert outcome.quarantined == ()
    assert tree_hash(tmp_path / "a.run") == tree_hash(tmp_path / "whole.run")
