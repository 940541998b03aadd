"""Updates by entries: those of the optimizer on the whole matrix, whatever the tiles; averages of them."""

from collections.abc import Sequence

import pytest
import torch
from made_gradients import COLUMNS, ROWS, entries, made, move
from torch import Tensor

from widthwise.training import OPTIMIZERS, Step, optimizer
from widthwise.training import entrywise as tiles
from widthwise.training.delta import delta
from widthwise.training.entrywise import Entrywise
from widthwise.training.factored import of_entries
from widthwise.training.gradient import Gradient
from widthwise.training.layerwise import factor, moved, rms
from widthwise.training.low_rank import LowRank
from widthwise.training.move import Move
from widthwise.training.sampled import Sampled

ROOM = 1 << 30
RESIZED: list[dict[str, object]] = [{}, {"clip": 0.1}, {"normalise": True, "clip": None}, {"relative": 0.1}]


def by_definition(taken: Move, history: Sequence[Gradient]) -> Tensor:
    """D after the steps of a history, from 0."""
    rule, found = optimizer(taken.options, of_entries), torch.zeros_like(entries(history[0]))
    state = rule.init(found)
    for t, gradient in enumerate(history):
        update, state = rule.step(state, entries(gradient), t)
        resized = factor(taken.options, t, lambda update=update: rms(update), taken.weight_size)
        rate = taken.options.learning_rate * taken.schedule(t)
        found = moved(found, update, rate=0.7 * rate * resized, decay=taken.options.weight_decay * rate)
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("changes", RESIZED, ids=["plain", "clipped", "normalised", "relative"])
@pytest.mark.parametrize("at_once", [1 << 16, 3 * COLUMNS])
def test_entries_are_those_of_the_whole_matrix(
    name: str, changes: dict[str, object], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "ENTRIES_AT_ONCE", at_once)
    taken, history = move(name, Step(every=2, factor=0.5), weight_decay=0.3, **changes), made()
    found = Entrywise(taken, history[0], rows=ROWS, columns=COLUMNS, room=ROOM)
    for t, gradient in enumerate(history):
        found.advance(gradient, t)
    torch.testing.assert_close(found.entries(), by_definition(taken, history))
    if taken.options.linear:
        factors = LowRank(taken)
        for t, gradient in enumerate(history):
            factors.advance(gradient, t)
        torch.testing.assert_close(factors.entries(), found.entries())


@pytest.mark.parametrize("name", ["momentum", "adam"])
@pytest.mark.parametrize("room", [ROOM, 0])
def test_products_are_averages_and_those_with_the_transpose_are_consistent(name: str, room: int) -> None:
    taken, history = move(name), made()
    found = delta(taken, history[0], None, room=room, transposed=True)
    for t, gradient in enumerate(history):
        found.advance(gradient, t)
    (x, y), whole = (torch.ones(2, 3, size, dtype=torch.float64).cumsum(2) for size in (COLUMNS, ROWS)), found.entries()
    across, down = found.multiply(x, transposed=False), found.multiply(y, transposed=True)
    torch.testing.assert_close(across, torch.einsum("rab,rkb->rka", whole, x) / COLUMNS)
    torch.testing.assert_close(down, torch.einsum("rab,rka->rkb", whole, y) / ROWS)
    torch.testing.assert_close((y * across).mean(2), (x * down).mean(2))


@pytest.mark.parametrize("room", [ROOM, 0])
def test_incomplete_averages_are_over_the_first_samples_of_each_index(room: int) -> None:
    taken, history, samples = move("adam"), made(), 3
    some = delta(taken, history[0], samples, room=room, transposed=True)
    complete = delta(taken, history[0], None, room=ROOM, transposed=True)
    for t, gradient in enumerate(history):
        some.advance(gradient, t)
        complete.advance(gradient, t)
    whole = complete.entries()
    x, y = (torch.ones(2, 1, size, dtype=torch.float64).cumsum(2) for size in (COLUMNS, ROWS))
    torch.testing.assert_close(
        some.multiply(x, transposed=False)[:, 0], (whole[..., :samples] * x[..., :samples]).mean(2)
    )
    torch.testing.assert_close(
        some.multiply(y, transposed=True)[:, 0], (whole[:, :samples] * y[..., :samples].mT).mean(1)
    )


def test_how_updates_are_held() -> None:
    """By factors if they are linear; by all entries if none is left out; else by those that are averaged over."""
    (like,) = made(1)

    def kind(name: str, samples: int | None, *, transposed: bool = True, **changes: object) -> type:
        return type(delta(move(name, **changes), like, samples, room=ROOM, transposed=transposed))

    assert kind("momentum", 3, clip=1.0) is LowRank
    assert kind("adam", None) is kind("adam", ROWS) is kind("adam", 3, transposed=False) is Entrywise
    assert kind("adam", 3) is Sampled
