"""A million units are handed out in constant memory, at many thousand a second; and the simulation of the docs."""

import runpy
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from widthwise.plan import Series, Span

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "tests" / "benchmarks" / "bench_coordinator.py"


def peak(count: int) -> int:
    """Bytes that the coordinator of so many units takes at most, with its progress."""
    computed = runpy.run_path(str(BENCHMARK))["computed"]
    tracemalloc.start()
    try:
        assert computed([Series(Span("trials", 0, 8, 0, count), 1, 1e-3, 1)]).ledger.done_units == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_units() -> None:
    assert peak(5000) < peak(1000) + 50_000  # one set of the units that are done would be half a megabyte


RESIDENT = """
import resource, runpy, sys
computed = runpy.run_path(sys.argv[1])["computed"]
from widthwise.plan import Series, Span
for count in (10**4, 10**6):
    assert computed([Series(Span("trials", 0, 8, 0, count), 1, 1e-3, 1)]).ledger.done_units == count
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_a_million_units_take_the_memory_of_ten_thousand() -> None:
    """Of the whole process, whose peak may move by some pages; eight bytes a unit would be eight million."""
    said = subprocess.run(
        [sys.executable, "-c", RESIDENT, str(BENCHMARK)], capture_output=True, text=True, check=True
    ).stdout
    small, large = map(int, said.split())
    assert large < small + 4_000_000


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
