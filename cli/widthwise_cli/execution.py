"""``widthwise run``: from a spec to the table and the figure."""

import shlex
import sys
from functools import partial
from typing import Annotated

from typer import Argument, Option

from widthwise_cli.durations import seconds_of
from widthwise_cli.findings import findings_of, print_findings
from widthwise_cli.output import messages, print_json, print_result
from widthwise_cli.programs import register
from widthwise_cli.progress import watching
from widthwise_cli.sources import changes, read_spec, run_directory


def run(
    source: Annotated[
        str | None,
        Argument(metavar="SPEC|NAME", help="A spec file, or an experiment with all its defaults.", show_default=False),
    ] = None,
    program: Annotated[
        str | None,
        Option(
            metavar="MODULE:FUNCTION",
            help="A function of a Space of your own that returns named readouts.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[str | None, Option(help="Widths, for example 64,256,1024.", show_default=False)] = None,
    trials: Annotated[int | None, Option(help="Trials at every width.", show_default=False)] = None,
    set_: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a key of the spec.", show_default=False)
    ] = None,
    out: Annotated[str | None, Option(help="Run directory.", show_default="NAME.run")] = None,
    address: Annotated[
        str,
        Option(
            metavar="local|inline|auto|HOST:PORT|ray://HOST:PORT",
            help="local: a Ray of its own; inline: this process; auto: RAY_ADDRESS or the cluster this machine is in.",
        ),
    ] = "local",
    workers: Annotated[
        int | None, Option(help="At most so many workers.", show_default="what the machine holds")
    ] = None,
    shards: Annotated[
        int, Option(help="So many workers share one replicate of the limit; no number depends on it.")
    ] = 1,
    gpus_per_worker: Annotated[
        float, Option(help="With numerics.device = cuda: the part of a GPU, and of its memory, that a worker has.")
    ] = 1.0,
    tolerance: Annotated[
        float | None,
        Option(
            help="Add trials and replicates in rounds until the half width of every interval is at most this; it is "
            "also the relative difference from the limit that counts as none.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        Option(
            metavar="90s|30m|2h",
            help="Add trials and replicates in rounds, where they shorten intervals most, for so long.",
            show_default=False,
        ),
    ] = None,
    extend: Annotated[bool, Option("--extend", help="Add widths, trials or replicates to an existing run.")] = False,
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
