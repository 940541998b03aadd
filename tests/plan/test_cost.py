"""The cost model: bytes are counted exactly, growth is extrapolated, what cannot fit is refused."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch

from widthwise.errors import SpecError
from widthwise.plan import (
    Block,
    Cost,
    CostModel,
    Growth,
    PointCost,
    calibrate,
    joined,
    point_inputs,
    readable_bytes,
    require_memory,
)
from widthwise.plan.batching import trials_at_once
from widthwise.plan.cost import _fitted, _probes
from widthwise.plan.memory import usable_bytes
from widthwise.plan.peak import PeakBytes
from widthwise.spec import Spec, load_spec, points

KIB = 1024


def block(kind: str, width: int = 0, point: int = 0) -> Block:
    return Block(kind=kind, point=point, width=width, index=0)  # type: ignore[arg-type]


def allocate(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """A stand-in for the worker: holds one float64 for each coordinate of each trial of a call, or for each sample."""
    if block.kind == "trials":
        entries = block.width * trials_at_once(spec, block.width)
        entries *= block.width if spec.numerics.matrix == "dense" else 1
    else:
        entries = spec.limit.samples
    return {"x": torch.ones(spec.model.depth * entries, dtype=torch.float64).numpy()}


def calibrated(table: dict[str, object]) -> tuple[Spec, CostModel]:
    spec = load_spec({"experiment": "ntk", "data": {"source": "gaussian"}, **table})
    return spec, calibrate(spec, point_inputs(points(spec)), allocate)


def test_peak_counts_what_lives_at_once() -> None:
    with PeakBytes() as tensors:
        a = torch.zeros(KIB, dtype=torch.uint8)
        for _ in range(10):
            b = a + 1
            del b
        assert tensors.peak == 2 * KIB
        c, d = a + 1, a + 2
        assert c.shape == d.shape
        assert tensors.peak == 3 * KIB


def test_peak_counts_a_storage_once_and_as_long_as_a_view_lives() -> None:
    with PeakBytes() as tensors:
        a = torch.zeros(4, KIB, dtype=torch.uint8)
        views = [a.view(-1), a[1:], a.T]
        assert tensors.peak == 4 * KIB
        del a
        b = torch.zeros(KIB, dtype=torch.uint8)
        assert tensors.peak == 5 * KIB
        del views
        c = torch.zeros(2 * KIB, dtype=torch.uint8)
        assert tensors.peak == 5 * KIB
        assert len(b) < len(c)


def test_peak_counts_what_autograd_keeps() -> None:
    with PeakBytes() as tensors:
        x = torch.ones(KIB, requires_grad=True)
        y = x
        for _ in range(10):
            y = y.sin()
    assert tensors.peak >= 11 * 4 * KIB


def test_bytes_of_a_block_are_those_of_one_call() -> None:
    """Beyond 2**17 coordinates fewer trials share a call: 8 at width 2**14, one at 2**20."""
    _, cost = calibrated({"sweep": {"width": [64, 2**20]}})
    for width, coordinates in ((64, 8 * 64), (2**14, 2**17), (2**17, 2**17), (2**20, 2**20)):
        assert cost.bytes(block("trials", width)) == pytest.approx(3 * 8 * coordinates, rel=1e-6)
    assert cost.bytes(block("limit")) == pytest.approx(3 * 8 * 262144, rel=1e-6)


def test_bytes_of_dense_matrices_grow_with_the_square() -> None:
    _, cost = calibrated({"sweep": {"width": [64, 16384]}, "numerics": {"matrix": "dense"}})
    assert cost.bytes(block("trials", 16384)) == pytest.approx(3 * 8 * 16384**2, rel=1e-6)


def test_points_have_costs_of_their_own() -> None:
    _, cost = calibrated({"sweep": {"model.depth": [1, 4], "width": [1024]}})
    shallow, deep = (cost.bytes(block("trials", 1024, point)) for point in (0, 1))
    assert deep == pytest.approx(4 * shallow, rel=1e-6)


def test_a_fine_sweep_is_measured_at_some_points() -> None:
    """100 points of depth 1 to 100: 16 are measured, and the last is one of them."""
    _, cost = calibrated({"sweep": {"model.depth": list(range(1, 101)), "width": [64]}})
    assert len(cost.by_point) == 16
    assert cost.bytes(block("trials", 64, 99)) == pytest.approx(100 * 8 * 8 * 64, rel=1e-6)
    nearest = max(point for point in cost.by_point if point <= 50)
    assert cost.bytes(block("trials", 64, 50)) == pytest.approx((nearest + 1) * 8 * 8 * 64, rel=1e-6)


def test_probes_never_exceed_what_is_asked() -> None:
    """A sweep of narrow networks is not planned by measuring wide ones."""
    assert _probes(load_spec({"experiment": "ntk", "sweep": {"width": [2]}})) == (2, 2)
    assert _probes(load_spec({"experiment": "ntk", "sweep": {"width": [64, 32]}})) == (8, 64)
    assert _probes(load_spec({"experiment": "ntk", "sweep": {"width": [2**20]}})) == (1024, 8192)


@pytest.mark.parametrize("matrix", ["auto", "dense", "tiled", "revealed"])
def test_every_way_to_hold_matrices_can_be_planned(matrix: str) -> None:
    _, cost = calibrated({"sweep": {"width": [64, 2**14]}, "numerics": {"matrix": matrix}})
    assert 0 < cost.bytes(block("trials", 64)) < cost.bytes(block("trials", 2**14))


def growth(small: tuple[int, float], large: tuple[int, float]) -> Growth:
    return _fitted([(size, Cost(seconds=seconds, bytes=int(seconds * 1000))) for size, seconds in (small, large)])


def test_growth_is_the_line_through_both_measurements() -> None:
    line = growth((10, 2.0), (100, 11.0))
    assert line.at(10).seconds == pytest.approx(2.0)
    assert line.at(1000).seconds == pytest.approx(101.0)
    assert line.at(1000).bytes == pytest.approx(101_000, abs=1)


@pytest.mark.parametrize("measured", [((10, 3.0), (100, 2.0)), ((10, 0.001), (100, 5.0)), ((10, 1.0), (10, 1.0))])
def test_noise_never_makes_a_block_free(measured: tuple[tuple[int, float], tuple[int, float]]) -> None:
    """Where the line would fall, or begin below zero, the larger measurement is scaled up."""
    line = growth(*measured)
    size, seconds = measured[1]
    assert line.at(size).seconds == pytest.approx(seconds)
    assert line.at(10 * size).seconds == pytest.approx(10 * seconds)
    assert line.at(1).seconds > 0


def fixed_cost(bytes_per_coordinate: float) -> CostModel:
    spec = load_spec({"experiment": "ntk"})
    line = Growth(seconds=(0.0, 1e-9), bytes=(0.0, bytes_per_coordinate))
    return CostModel(by_point={0: PointCost(spec=spec, trials=line, limit=line)})


def test_a_block_that_does_not_fit_is_refused_with_advice() -> None:
    cost = fixed_cost(1024)
    wanted = [block("trials", 64), block("trials", 2**20), block("limit")]
    require_memory(joined(wanted), cost, 2**30)
    with pytest.raises(SpecError, match=r"sweep.width: a trial of width 1048576 needs 1 GiB and .* 1024 MiB .* lower"):
        require_memory(joined(wanted), cost, 2**30 - 1)
    with pytest.raises(SpecError, match=r"limit.samples: one replicate .* needs 256 MiB"):
        require_memory(joined([block("limit")]), cost, 2**27)
    require_memory([], cost, 0)


def test_a_container_has_the_memory_it_is_allowed(tmp_path: object) -> None:
    from pathlib import Path

    group = Path(str(tmp_path))
    everything = usable_bytes(group)
    (group / "memory.max").write_text("max\n")
    assert usable_bytes(group) == everything
    (group / "memory.max").write_text(f"{3 * 2**30}\n")
    assert usable_bytes(group) == min(everything, 2 * 2**30)
    (group / "memory.max").write_text("1000\n")
    assert usable_bytes(group) == 2**29


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (512, "512 bytes"), (2048, "2 KiB"), (3 * 2**19, "1.5 MiB"), (2**31, "2 GiB")]
)
def test_bytes_as_people_read_them(count: int, text: str) -> None:
    assert readable_bytes(count) == text
