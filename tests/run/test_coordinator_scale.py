"""A million units are handed out in constant memory, at many thousand a second; and the simulation of the docs."""

import runpy
import sys
import tracemalloc
from pathlib import Path

import pytest

from widthwise.plan import Series, Span

ROOT = Path(__file__).parents[2]


def peak(count: int) -> int:
    """Bytes that the coordinator of so many units takes at most, with its progress."""
    computed = runpy.run_path(str(ROOT / "tests" / "benchmarks" / "bench_coordinator.py"))["computed"]
    tracemalloc.start()
    try:
        assert computed([Series(Span("trials", 0, 8, 0, count), 1, 1e-3, 1)]).ledger.done_units == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_units() -> None:
    assert peak(5000) < peak(1000) + 50_000  # one set of the units that are done would be half a megabyte


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_units_take_the_memory_of_ten_thousand(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = peak(10**4), peak(10**6)
    with capsys.disabled():
        print(f"\npeak of the coordinator: {small:,} bytes for 10^4 units, {large:,} for 10^6")
    assert large < small + 100_000


def test_a_simulated_cluster_is_busy_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 places for a quarter of an hour, with deaths and losses of nodes, and what each of them may cost."""
    monkeypatch.setattr(sys, "argv", ["simulation"])
    simulation = runpy.run_path(str(ROOT / "docs" / "simulation.py"))
    weather = simulation["Weather"](
        nodes=8, late_nodes=1, late_by=60.0, worker_life=3600.0, node_life=1800.0, start=5.0
    )
    series = [Series(Span("trials", 0, 8, 0, 12_000), 1, 5.0, 1), Series(Span("limit", 0, 0, 0, 30), 1, 8.0, 1)]
    outcome = simulation["Simulation"](series, weather, seed=1).run()
    assert outcome.units == 12_030
    assert outcome.given_up == 0
    assert len(outcome.deaths) > 5
    assert outcome.losses
    assert outcome.utilisation > 0.9
