"""Spans and series: every block that is asked for, once, in units of the size wanted."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widthwise.plan import Block, CostModel, Span, joined, series, spans, trials_of
from widthwise.spec import Spec, load_spec


class FlatCost(CostModel):
    """A block costs its width in milliseconds (the limit and others 5) and its width in bytes."""

    def __init__(self) -> None:
        super().__init__(by_point={})

    def seconds(self, block: Block) -> float:
        return (block.width or 5) / 1000

    def bytes(self, block: Block) -> int:
        return block.width


def spec_with(**sweep: object) -> Spec:
    return load_spec({"experiment": "ntk", "sweep": sweep, "limit": {"replicates": 3}, "numerics": {"microbatch": 4}})


def blocks(spec: Spec, exact: list[bool]) -> list[Block]:
    return [block for span in spans(spec, exact) for block in span.blocks]


def test_trials_are_cut_into_whole_microbatches() -> None:
    """9 trials in microbatches of 4 are 3 blocks: the last is computed whole."""
    found = blocks(spec_with(width=[8, 16], trials={8: 9, 16: 4}), [True])
    assert Counter((block.kind, block.width) for block in found) == {
        ("trials", 8): 3,
        ("trials", 16): 1,
        ("limit", 0): 3,
        ("exact", 0): 1,
        ("arithmetic", 0): 1,
    }
    assert [block.index for block in found if block.width == 8] == [0, 1, 2]


def test_only_points_with_a_closed_form_have_an_exact_block() -> None:
    found = blocks(spec_with(width=[8], trials=4), [False, True])
    assert [block.point for block in found if block.kind == "exact"] == [1]
    assert [block.point for block in found if block.kind == "arithmetic"] == [0, 1]


@pytest.mark.parametrize(("width", "expected"), [(8, 64), (15, 64), (16, 8), (1000, 8), (2**20, 2)])
def test_a_table_of_trials_counts_from_each_width_upwards(width: int, expected: int) -> None:
    spec = spec_with(width=[8], trials={8: 64, 65536: 2, 16: 8})
    assert trials_of(spec, width) == expected


def test_more_trials_only_add_blocks() -> None:
    few, many = (set(blocks(spec_with(width=[8, 16], trials=trials), [True])) for trials in (5, 50))
    assert few < many


@given(
    st.lists(st.sampled_from([8, 64, 1024]), unique=True, min_size=1),
    st.integers(2, 300),
    st.integers(1, 3),
    st.floats(1e-3, 10),
)
def test_units_hold_every_block_once(widths: list[int], trials: int, points: int, target: float) -> None:
    wanted = spans(spec_with(width=widths, trials=trials), [True] * points)
    cost = FlatCost()
    made = series(wanted, cost, target)
    found = [unit for each in made for unit in each]
    assert Counter(block for unit in found for block in unit.blocks) == Counter(b for s in wanted for b in s.blocks)
    assert len(found) == sum(each.count for each in made)
    for unit in found:
        assert unit.seconds == pytest.approx(sum(cost.seconds(block) for block in unit.blocks))
        assert unit.bytes == cost.bytes(unit.blocks[0])
        assert unit.seconds <= target * (1 + 1e-9) or len(unit.blocks) == 1


def test_no_spans_make_no_units() -> None:
    assert series([], FlatCost(), 1.0) == []


def test_a_cost_of_zero_makes_one_unit() -> None:
    class Free(FlatCost):
        def seconds(self, block: Block) -> float:
            return 0.0

    (made,) = series([Span("limit", 0, 0, 0, 5)], Free(), 1.0)
    assert [len(unit.blocks) for unit in made] == [5]


BLOCKS = st.builds(Block, st.sampled_from(["trials", "limit"]), st.integers(0, 2), st.just(8), st.integers(0, 20))


@given(st.sets(BLOCKS), st.randoms(use_true_random=False))
def test_joined_blocks_are_the_same_blocks_in_as_few_spans_as_can_be(found: set[Block], random: object) -> None:
    shuffled = sorted(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    made = joined(shuffled)
    assert [block for span in made for block in span.blocks] == sorted(found)
    assert not any(a.block(a.count) == b.block(0) for a, b in itertools.pairwise(made))
