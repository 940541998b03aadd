"""Adaptive against equal trials, on the digits NTK example: what the same largest half width takes.

    python tests/benchmarks/bench_adaptive.py [--tolerance 0.02] [--largest 16384]

Runs the example with the tolerance, in rounds; then as many trials at every width as bring the largest half width of
an interval down to the one reached. Prints seconds of all trials by the journals, and their ratio.
"""

import argparse
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from widthwise.report.outlook import outlook, outlook_words
from widthwise.report.rounds import Rounds, in_rounds
from widthwise.report.standing import standing
from widthwise.run import execute
from widthwise.spec import Spec, load_spec
from widthwise.store import open_run, read_journal

EXAMPLE = Path(__file__).parents[2] / "examples" / "ntk_digits.toml"
MICROBATCH = 8


def seconds(path: Path) -> float:
    """Of all trials, by the journal."""
    return sum(entry.seconds for block, entry in read_journal(path).items() if block.kind == "trials")


def adaptive(spec: Spec, path: Path, tolerance: float) -> float:
    """The largest half width that is reached."""
    rounds = Rounds(spec, tolerance=tolerance)
    in_rounds(partial(execute, out=path, address="inline"), path, rounds, None)
    reached = outlook(open_run(path), rounds)
    print(outlook_words(reached))
    assert reached.half_width is not None
    return reached.half_width


def equal(spec: Spec, path: Path, trials: int) -> float:
    """The largest half width with so many trials at every width."""
    asked = spec.model_copy(update={"sweep": spec.sweep.model_copy(update={"trials": trials})})
    execute(asked, path, address="inline", extend=True)
    return standing(open_run(path), asked).half_width


def equal_trials(spec: Spec, path: Path, wanted: float, trials: int) -> int:
    """The fewest in steps of a tenth that reach what is wanted, from a guess that is too low."""
    while equal(spec, path, trials) > wanted:
        trials = -(-trials * 11 // (10 * MICROBATCH)) * MICROBATCH
    return trials


def main() -> None:
    """Both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tolerance", type=float, default=0.02)
    parser.add_argument("--largest", type=int, default=16384, help="widths of the example up to this one")
    options = parser.parse_args()
    spec = load_spec(EXAMPLE)
    widths = [width for width in spec.sweep.width if width <= options.largest]
    spec = load_spec(EXAMPLE, [f"sweep.width={widths}", "limit.replicates=4"])
    with TemporaryDirectory() as folder:
        rounds, plain = Path(folder) / "rounds.run", Path(folder) / "equal.run"
        wanted = adaptive(spec, rounds, options.tolerance)
        widest = standing(open_run(rounds), spec).counts[0, widths[0]]
        trials = equal_trials(spec, plain, wanted, max(MICROBATCH, widest // 2 // MICROBATCH * MICROBATCH))
        here, there = seconds(rounds), seconds(plain)
    print(f"adaptive: half width {wanted:.4f}, {here:.1f} s of trials")
    print(f"equal:    {trials} trials at every width, {there:.1f} s of trials")
    print(f"adaptive takes {100 * here / there:.0f} % of it")


if __name__ == "__main__":
    main()
