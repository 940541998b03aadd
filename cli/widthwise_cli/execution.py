"""``widthwise run``: from a spec to the table and the figure."""

import shlex
import sys
from functools import partial
from typing import Annotated

from typer import Option

from widthwise_cli.durations import seconds_of
from widthwise_cli.findings import findings_of, print_findings
from widthwise_cli.options import (
    Budget,
    Changes,
    Extend,
    GpusPerWorker,
    Program,
    Shards,
    Source,
    Tolerance,
    Trials,
    Width,
    Workers,
)
from widthwise_cli.output import messages, print_json, print_result
from widthwise_cli.programs import register
from widthwise_cli.progress import watching
from widthwise_cli.sources import changes, read_spec, run_directory


def run(
    source: Source = None,
    program: Program = None,
    width: Width = None,
    trials: Trials = None,
    set_: Changes = None,
    out: Annotated[str | None, Option(help="Run directory, or a URL (s3:, gs:, az:).", show_default="NAME.run")] = None,
    address: Annotated[
        str,
        Option(
            metavar="local|inline|auto|HOST:PORT|ray://HOST:PORT",
            help="local: a Ray of its own; inline: this process; auto: RAY_ADDRESS or the cluster this machine is in.",
        ),
    ] = "local",
    workers: Workers = None,
    shards: Shards = 1,
    gpus_per_worker: GpusPerWorker = 1.0,
    tolerance: Tolerance = None,
    budget: Budget = None,
    extend: Extend = False,
    fresh: Annotated[bool, Option("--fresh", help="Remove an existing run and start over.")] = False,
    allow_mixed: Annotated[bool, Option("--allow-mixed", help="Go on in another numeric environment.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print units, bytes and time; write nothing.")] = False,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Compute a run, or what it still lacks, and print its curves and verdicts."""
    seconds = None if budget is None else seconds_of(budget)
    overrides = changes(width=width, trials=trials, tolerance=tolerance, others=set_ or [])
    spec = read_spec(source, overrides, program=None if program is None else register(program))
    from widthwise.spec import outside

    for note in outside(spec):
        messages.print(note, markup=False)
    path = run_directory(source or str(program).rpartition(":")[2], out)
    from widthwise.report.rounds import Rounds, in_rounds

    rounds = None if tolerance is seconds is None else Rounds(spec, tolerance=tolerance, budget=seconds)
    if dry_run:
        from widthwise.report.forecast import forecast, forecast_json, forecast_table

        if rounds:
            messages.print("the first round alone: what it measures decides those after it", markup=False)
        expected = forecast(rounds.first if rounds else spec, path, workers=workers, extend=extend, fresh=fresh)
        print_json(forecast_json(expected)) if json else print_result(forecast_table(expected))
        return
    from widthwise.report.failures import failures, require_complete
    from widthwise.report.outlook import outlook
    from widthwise.report.pipeline import curves_of, draw, drawings, store_curves
    from widthwise.run import HERE, cluster_address, execute, require_address
    from widthwise.store import open_run

    require_address(address, workers, shards, gpus_per_worker)
    if address not in HERE:
        messages.print(f"cluster {cluster_address(address)}", markup=False)
    with watching(lambda: curves_of(path, spec), rounds) as on_progress:
        call = partial(
            execute,
            out=path,
            address=address,
            workers=workers,
            shards=shards,
            gpus_per_worker=gpus_per_worker,
            extend=extend,
            fresh=fresh,
            allow_mixed=allow_mixed,
            resume_command=resume_command(sys.argv[1:]),
        )
        outcome = in_rounds(call, path, rounds, on_progress) if rounds else call(spec, on_progress=on_progress)
    curves = store_curves(path, spec)
    figures = drawings(path)
    if outcome.computed_blocks or not all(figure.exists() for figure in figures):
        draw(path, curves)
    reached = outlook(open_run(path), rounds) if rounds else None
    print_findings(curves, findings_of(path, curves), json=json, reached=reached)
    done = f"{outcome.computed_blocks} blocks computed, {outcome.skipped_blocks} were there; {outcome.seconds:.1f} s"
    places = [f"results {path / 'results.zarr'}", *(f"figure  {figure}" for figure in figures)]
    messages.print("\n".join([done, *places, *failures(outcome)]), markup=False)
    require_complete(outcome)


def resume_command(arguments: list[str]) -> str:
    """What to type after an interruption: the same, without starting over."""
    return shlex.join(["widthwise", *(argument for argument in arguments if argument != "--fresh")])
