"""Layout: the addresses of chunks, and the laws of union."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from store_driver import LARGER, LAYOUT, TINY, blocks_of

from widthwise.plan.units import Block
from widthwise.store import Layout, chunk_keys, union
from widthwise.store.layout import holds, unravel


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    requested = draw(st.dictionaries(st.integers(2, 6), st.integers(1, 20), min_size=1))
    return Layout(
        axes=(),
        widths=tuple(requested),
        trials=tuple(requested.values()),
        microbatch=4,
        replicates=draw(st.integers(1, 5)),
        readouts=TINY.readouts,
        exact=False,
    )


@given(layouts(), layouts(), layouts())
def test_union_is_associative_idempotent_and_never_shrinks(a: Layout, b: Layout, c: Layout) -> None:
    assert union(union(a, b), c) == union(a, union(b, c))
    assert union(a, a) == a
    both = union(a, b)
    assert set(blocks_of(a)) | set(blocks_of(b)) == set(blocks_of(both))
    assert union(both, a) == both
    assert union(both, b) == both


@given(layouts(), layouts())
def test_extending_moves_no_chunk(a: Layout, b: Layout) -> None:
    both = union(a, b)
    assert all(chunk_keys(a, block) == chunk_keys(both, block) for block in blocks_of(a))


def test_widths_keep_the_order_in_which_they_were_asked_for() -> None:
    assert union(TINY, LARGER).widths == (64, 16)
    assert union(TINY, LARGER).trials == (6, 4)


def test_every_block_has_chunks_of_its_own() -> None:
    keys = [key for block in blocks_of(LAYOUT) for key in chunk_keys(LAYOUT, block).values()]
    assert len(set(keys)) == len(keys) == 2 * len(blocks_of(LAYOUT))


def test_points_are_row_major() -> None:
    for point in range(LAYOUT.points):
        assert unravel(LAYOUT, point) == np.unravel_index(point, LAYOUT.point_shape)


def test_a_number_without_axes_has_the_bare_chunk_key() -> None:
    assert chunk_keys(TINY, Block("arithmetic", 0, 0, 0)) == {"loss": "arithmetic/loss/c"}


def test_holds_says_yes_to_the_blocks_of_the_layout_and_to_no_neighbour() -> None:
    blocks = set(blocks_of(LAYOUT))
    kinds = ("trials", "limit", "exact", "arithmetic")
    near = {
        Block(kind, point, width, index)
        for kind in kinds
        for point in range(-1, LAYOUT.points + 1)
        for width in (0, 16, 64, 128)
        for index in range(-1, 4)
    }
    assert {block for block in near if holds(LAYOUT, block)} == blocks
    assert not holds(TINY, Block("exact", 0, 0, 0))
