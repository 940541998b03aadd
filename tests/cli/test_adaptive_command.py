"""``run --tolerance`` and ``run --budget``: what is said, and in which form."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from widthwise.run import Progress
from widthwise_cli.durations import seconds_of
from widthwise_cli.progress import describe

SPEC = """
experiment = "nngp"
[model]
depth = 1
[data]
source = "gaussian"
count = 2
features = 3
[sweep]
width = [8, 32]
trials = 64
[limit]
samples = 64
replicates = 4
"""

Call = Callable[..., tuple[int, str, str]]


def test_a_tolerance_adds_rounds_and_says_what_was_reached(call: Call, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    arguments = ("run", "spec.toml", "--address", "inline", "--tolerance", "0.1")
    code, out, err = call(*arguments)
    assert code == 0
    assert "tolerance 0.1: reached" in out
    assert "to halve it takes" in out
    assert "round 1, tolerance 0.1: " in err
    code, out, err = call(*arguments, "--json")
    document = json.loads(out)
    assert document["tolerance"] == 0.1
    assert document["adaptive"]["reached"] is True
    assert document["adaptive"]["half_width"] <= 0.1
    assert document["adaptive"]["done"]["trials"] > 0
    assert document["adaptive"]["halving"]["seconds"] > 0
    assert "0 blocks computed" in err
    code, out, _ = call("show", "spec.run", "--json")
    assert code == 0
    assert "adaptive" not in json.loads(out)


def test_a_dry_run_forecasts_the_first_round(call: Call, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--dry-run", "--json", "--budget", "30m")
    assert code == 0
    assert "the first round alone" in err
    # 16 trials at each of two widths, 4 replicates, exact, arithmetic.
    assert json.loads(out)["missing_blocks"] == 2 * 2 + 4 + 1 + 1


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("30m", 1800.0), ("2h", 7200.0), ("1.5h", 5400.0)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2d", "-2h", "0s", "1e3s", "nanh", "2 h", "1.2.3s"])
def test_what_is_no_length_of_time_is_refused(call: Call, text: str) -> None:
    code, out, err = call("run", "ntk", "--budget", text)
    assert (code, out) == (2, "")
    assert f"--budget {text}".strip() in err
    assert "90s, 30m or 2h" in err


def test_progress_tells_the_round(tmp_path: Path) -> None:
    from widthwise.report.rounds import Rounds
    from widthwise.spec import load_spec

    report = Progress(
        done_units=3, total_units=9, done_blocks=3, total_blocks=9, seconds_left=None, workers=2, failures=0
    )
    rounds = Rounds(load_spec({"experiment": "nngp"}), tolerance=0.01)
    assert describe(report) == "3 of 9 units, workers: 2"
    assert describe(report, rounds) == "round 1, tolerance 0.01: 3 of 9 units, workers: 2"
    rounds.number, rounds.half_width = 2, 0.03125
    assert describe(report, rounds).startswith("round 2, largest half width 0.031, tolerance 0.01: ")
