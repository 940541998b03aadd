"""What workers did can be read where Ray shows its metrics."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray_clusters import wait_until
from run_fakes import poisoned_slowly, tiny_spec

from widthwise.run import execute
from widthwise.run.on_ray import connected
from widthwise.run.on_ray.settings import settings


@pytest.fixture
def endpoint() -> Iterator[str]:
    with settings({"RAY_metrics_report_interval_ms": "500"}), connected("local", cpus=1):
        (node,) = ray.nodes()
        yield f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"


def total(text: str, name: str) -> float:
    """The sum of a metric over its tags, of those of this run."""
    lines = re.findall(rf'^ray_{name}\{{[^}}]*run="a\.run"[^}}]*\}} (\S+)$', text, re.MULTILINE)
    return sum(map(float, lines))


def read(endpoint: str) -> str:
    try:
        with urllib.request.urlopen(endpoint, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:  # the agent that answers there starts a little later
        return ""


@pytest.mark.slow
def test_units_seconds_bytes_and_retries_are_there(endpoint: str, tmp_path: Path) -> None:
    texts: list[str] = []

    def look(*_: object) -> None:
        texts.append(read(endpoint))

    execute(tiny_spec(), tmp_path / "a.run", workers=1, measure=poisoned_slowly, on_progress=look)

    def counted() -> bool:
        look()
        return total(texts[-1], "widthwise_units_failed_total") >= 2

    wait_until(counted)
    text = texts[-1]
    done = total(text, "widthwise_units_done_total")
    assert done > 0
    assert total(text, "widthwise_unit_seconds_count") == done
    assert total(text, "widthwise_unit_retries_total") >= 1
    assert total(text, "widthwise_bytes_written_total") > 8 * 4 * done
    assert any(total(each, "widthwise_workers") == 1 for each in texts)
