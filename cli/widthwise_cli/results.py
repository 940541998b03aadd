"""``show``, ``plot``, ``reduce``, ``check``: what can be done with a run directory."""

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from widthwise.errors import CorruptError, VerdictError
from widthwise_cli.findings import findings_of, print_findings
from widthwise_cli.output import messages, print_json, print_result
from widthwise_cli.sources import place

if TYPE_CHECKING:
    from widthwise.report.pipeline import Curves
    from widthwise_cli.findings import Findings

Run = Annotated[str, Argument(metavar="RUN", help="A run directory, or the URL of one: s3://bucket/NAME.run.")]
Json = Annotated[bool, Option("--json", help="Print the result for machines.")]


def show(
    run: Run,
    json: Json = False,
    check: Annotated[bool, Option("--check", help="Exit with 6 if a verdict fails.")] = False,
) -> None:
    """Print the curves and verdicts of a run."""
    from widthwise.report.pipeline import curves_of

    path = place(run)
    curves = curves_of(path)
    found = findings_of(path, curves)
    print_findings(curves, found, json=json)
    if check:
        _require_verdicts(run, curves, found)


def plot(
    run: Run,
    out: Annotated[
        str | None,
        Option(
            "--out",
            "-o",
            help="A .png, .pdf or .svg file; further figures stand beside it.",
            show_default="RUN/figures/convergence.png",
        ),
    ] = None,
) -> None:
    """Draw the figures of a run: its curves, or its phase diagram, and what else it has."""
    from widthwise.report.pipeline import curves_of, draw

    path = place(run)
    for drawing in draw(path, curves_of(path), None if out is None else place(out)):
        print(drawing)


def reduce(run: Run) -> None:
    """Derive the stored curves and verdicts of a run again from its trials."""
    from widthwise.report import pipeline, summary_line

    print_result(summary_line(*pipeline.reduce(place(run))))


def check(run: Run, json: Json = False) -> None:
    """Look for damage: decode every chunk and compare it with what its worker wrote down."""
    from widthwise.store import check_run

    problems = check_run(place(run))
    if json:
        print_json({"run": run, "problems": problems})
    else:
        for problem in problems:
            print(problem)
    if problems:
        message = f"{run}: {len(problems)} problems; run the same spec again to compute what is damaged anew"
        raise CorruptError(message)
    messages.print(f"{run}: no damage found", markup=False)


def _require_verdicts(run: str, curves: "Curves", found: "Findings") -> None:
    """Judge by `rms`, or by `w2` of a law: all of the distance, and one test a readout keeps false alarms rare.

    Correlations are no verdicts: nothing of them is theory.
    """
    from widthwise.report.transfer import Transfer

    headline = curves[1].sel(metric=["rms", "w2"])
    failed = {
        "slope": int((headline["consistent"] == 0).sum()),
        "limit": int((headline["equivalent"] == 0).sum()),
        "learning rates": sum(losses.stays == "no" for losses in found.points) if isinstance(found, Transfer) else 0,
    }
    if any(failed.values()):
        counts = ", ".join(f"{count} of the {name}" for name, count in failed.items() if count)
        message = f"{run}: verdicts that fail: {counts}; `widthwise show {run}` says which"
        raise VerdictError(message)
