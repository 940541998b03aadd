"""Schedules: those of torch, step by step; warmup and bounds."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_twins import gradients, trained
from pydantic import ValidationError
from torch.optim import lr_scheduler

from widthwise.training import SCHEDULES, SGD, AdamW, Constant, Cosine, Schedule, Step
from widthwise.training import optimizer as optimizer_of
from widthwise.training.layerwise import moved

Twin = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def rates_of_torch(twin: Twin, count: int) -> list[float]:
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule, rates = twin(sgd), []
    for _ in range(count):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "twin"),
    [
        (Constant(), lambda sgd: lr_scheduler.ConstantLR(sgd, factor=1)),
        (Constant(warmup=8), lambda sgd: lr_scheduler.LinearLR(sgd, start_factor=1 / 8, total_iters=7)),
        (Cosine(steps=12, final=0.25), lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, T_max=12, eta_min=0.25)),
        (Step(every=4, factor=0.5), lambda sgd: lr_scheduler.StepLR(sgd, step_size=4, gamma=0.5)),
        (Step(), lambda sgd: lr_scheduler.StepLR(sgd, step_size=30)),
    ],
)
def test_a_schedule_is_that_of_torch(schedule: Schedule, twin: Twin) -> None:
    assert [schedule(t) for t in range(13)] == pytest.approx(rates_of_torch(twin, 13))


@pytest.mark.parametrize("name", SCHEDULES)
@given(warmup=st.integers(0, 40))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_a_warmup_goes_before_the_rest(name: str, warmup: int) -> None:
    plain, schedule = (SCHEDULES[name].model_validate({"warmup": each}) for each in (0, warmup))
    factors = [schedule(t) for t in range(300)]
    assert factors[:warmup] == pytest.approx([(t + 1) / warmup for t in range(warmup)])
    assert factors[warmup:] == [plain(t) for t in range(300 - warmup)]
    assert plain(0) == 1
    assert all(0 <= each <= 1 for each in factors)


def test_a_cosine_stays_where_it_ends() -> None:
    assert [Cosine(steps=10, final=0.1)(t) for t in (10, 11, 500)] == pytest.approx([0.1] * 3)
    assert Cosine(steps=10)(5) == pytest.approx(0.5)


def test_decay_follows_the_schedule_as_in_torch() -> None:
    """AdamW of torch with a step schedule: decay and rate fall together."""
    schedule, options = Step(every=2, factor=0.5), AdamW(weight_decay=0.3, learning_rate=0.1)
    w = gradients(1, 4)[0]
    theirs = w.clone().requires_grad_()
    twin = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.3)
    steps = lr_scheduler.StepLR(twin, step_size=2, gamma=0.5)
    ours = optimizer_of(options)
    state = ours.init(w)
    for t, gradient in enumerate(gradients(7, 4, seed=1)):
        update, state = ours.step(state, gradient, t)
        rate = 0.1 * schedule(t)
        w = moved(w, update, rate=rate, decay=0.3 * rate)
        theirs.grad = gradient
        twin.step()
        steps.step()
        torch.testing.assert_close(w, theirs.detach())


def test_any_function_of_the_step_is_a_schedule() -> None:
    plain, own = list(trained(SGD(learning_rate=0.1))), list(trained(SGD(learning_rate=0.2), lambda t: 0.5))
    for one, other in zip(plain[-1], own[-1], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("section", "table"),
    [(Cosine, {"steps": 0}), (Cosine, {"final": 2}), (Step, {"factor": 0}), (Constant, {"steps": 2})],
)
def test_what_is_no_schedule_is_refused(section: type[Schedule], table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section.model_validate(table)
