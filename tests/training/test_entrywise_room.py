"""Entries in tiles: the same numbers whatever there is room for, and no more kept than that."""

import pytest
import torch

from widthwise.plan.peak import PeakBytes
from widthwise.training import Adam, Constant, OptimizerOptions, RMSProp
from widthwise.training import entrywise as tiles
from widthwise.training.entrywise import ARRAYS, UPDATED, Entrywise
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move
from widthwise.training.named_optimizers import Own
from widthwise.training.own import register_optimizer

ROWS, COLUMNS, STEPS = 24, 40, 4
ARRAY = 2 * ROWS * COLUMNS * 8


def gradients() -> list[Gradient]:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(2, 3, size, dtype=torch.float64, generator=generator) for size in (ROWS, COLUMNS) * STEPS]
    return [Gradient(left=left, right=right, scale=0.5) for left, right in zip(drawn[::2], drawn[1::2], strict=True)]


def moved(options: OptimizerOptions, room: int) -> Entrywise:
    """Entries after all steps."""
    move = Move(options=options, schedule=Constant(), constant=1.0, weight_size=lambda: torch.ones(2, 1, 1))
    own = Entrywise(move, gradients()[0], rows=ROWS, columns=COLUMNS, room=room)
    for t, gradient in enumerate(gradients()):
        own.advance(gradient, t)
    return own


@pytest.fixture
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.training.named_optimizers._REGISTERED", {})
    register_optimizer("bounded", lambda gradients: torch.tanh(sum(gradients)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("_own")
@pytest.mark.parametrize("name", ["adam", "rmsprop", "clipped", "bounded"])
@pytest.mark.parametrize("at_once", [7 * COLUMNS, 1 << 18])
def test_room_changes_no_number(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "ENTRIES_AT_ONCE", at_once)
    options: OptimizerOptions = {
        "adam": lambda: Adam(learning_rate=0.1, weight_decay=0.5),
        "rmsprop": lambda: RMSProp(learning_rate=0.1, centered=True, momentum=0.5),
        "clipped": lambda: Adam(learning_rate=0.1, clip=0.5),
        "bounded": lambda: Own(name="bounded", learning_rate=0.1),
    }[name]()
    x, y = torch.ones(2, 3, COLUMNS, dtype=torch.float64), torch.ones(2, 3, ROWS, dtype=torch.float64)
    whole = moved(options, ARRAYS * ARRAY)
    assert whole.entries().abs().max() > 0.05
    torch.testing.assert_close(whole.multiply(x, transposed=False), x @ whole.entries().mT / COLUMNS)
    torch.testing.assert_close(whole.multiply(y, transposed=True), y @ whole.entries() / ROWS)
    for room in (UPDATED * ARRAY, 0):
        other = moved(options, room)
        torch.testing.assert_close(other.entries(), whole.entries(), rtol=1e-10, atol=1e-12)
        for each, transposed in ((x, False), (y, True)):
            products = (own.multiply(each, transposed=transposed) for own in (other, whole))
            torch.testing.assert_close(*products, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("_own")
@pytest.mark.parametrize(("name", "most"), [("adam", ARRAYS), ("rmsprop", ARRAYS), ("bounded", UPDATED)])
def test_no_more_is_kept_than_there_is_room_for(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside that: a few tiles of three rows, and the factors of all gradients, in all less than two arrays."""
    monkeypatch.setattr(tiles, "ENTRIES_AT_ONCE", 2 * COLUMNS)
    options = {"adam": Adam(), "rmsprop": RMSProp(centered=True, momentum=0.5)}.get(name) or Own(name=name)
    for room in (most, UPDATED, 0):
        with PeakBytes() as tensors:
            moved(options, room * ARRAY)
        assert tensors.peak < (room + 2) * ARRAY
