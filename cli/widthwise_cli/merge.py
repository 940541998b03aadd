"""``merge``: one run from several."""

from typing import Annotated

from typer import Argument, Option

from widthwise_cli.output import messages, print_result
from widthwise_cli.sources import place


def merge(
    runs: Annotated[
        list[str],
        Argument(metavar="RUN RUN...", help="Runs of one spec with several seeds, or with other blocks of one seed."),
    ],
    out: Annotated[str, Option("--out", "-o", help="The run to make: a directory that is free, or a URL.")],
) -> None:
    """Unite the trials of runs of the same identity but for their seeds, or of one seed, in a new run."""
    from widthwise.report import summary_line
    from widthwise.report.pipeline import store_curves
    from widthwise.store import merge_runs

    merged = merge_runs([place(run) for run in runs], place(out))
    curves = store_curves(merged.path)
    for said in merged.record.merged:
        messages.print(f"{said['run']}: seeds {said['seeds']}, blocks {said['blocks']}", markup=False)
    print_result(summary_line(*curves))
    messages.print(f"results {merged.path / 'results.zarr'}", markup=False)
