"""Blocks and units: every block that is asked for, once, in units of the size wanted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widthwise.plan import Block, CostModel, blocks, trials_of, units
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
    wanted = blocks(spec_with(width=widths, trials=trials), [True] * points)
    cost = FlatCost()
    found = units(wanted, cost, target)
    assert Counter(block for unit in found for block in unit.blocks) == Counter(wanted)
    for unit in found:
        assert len({(block.kind, block.point, block.width) for block in unit.blocks}) == 1
        assert [block.index for block in unit.blocks] == sorted(block.index for block in unit.blocks)
        assert unit.seconds == pytest.approx(sum(cost.seconds(block) for block in unit.blocks))
        assert unit.bytes == cost.bytes(unit.blocks[0])
        assert unit.seconds <= target * (1 + 1e-9) or len(unit.blocks) == 1
    assert [unit.seconds for unit in found] == sorted((unit.seconds for unit in found), reverse=True)


@given(st.randoms(use_true_random=False))
def test_units_do_not_depend_on_the_order_of_blocks(random: object) -> None:
    wanted = blocks(spec_with(width=[8, 16], trials=40), [True, False])
    shuffled = list(wanted)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert units(shuffled, FlatCost(), 0.02) == units(wanted, FlatCost(), 0.02)


def test_no_blocks_make_no_units() -> None:
    assert units([], FlatCost(), 1.0) == []


def test_a_cost_of_zero_makes_one_unit() -> None:
    class Free(FlatCost):
        def seconds(self, block: Block) -> float:
            return 0.0

    wanted = [Block(kind="limit", point=0, width=0, index=index) for index in range(5)]
    assert [len(unit.blocks) for unit in units(wanted, Free(), 1.0)] == [5]
