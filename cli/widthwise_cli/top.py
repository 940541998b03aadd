"""``widthwise top``: how a run goes, from another terminal or another machine."""

import time
from typing import Annotated

from rich.live import Live
from typer import Argument, Option

from widthwise_cli.output import messages, print_json, print_result
from widthwise_cli.sources import place

REFRESH_SECONDS = 2.0


def top(
    run: Annotated[str, Argument(metavar="RUN", help="A run directory, or the URL of one: s3://bucket/NAME.run.")],
    once: Annotated[bool, Option("--once", help="Print it once.")] = False,
    json: Annotated[bool, Option("--json", help="Print it once, for machines.")] = False,
) -> None:
    """Follow a run by reading its directory: driver, blocks, rate, time left, workers, failures."""
    from widthwise.report.overview import overview_json, overview_table
    from widthwise.report.watch import Watch

    watch = Watch(place(run))
    overview = watch.look(time.time())
    if json:
        print_json(overview_json(overview))
        return
    if not once and messages.is_terminal:
        with Live(console=messages, auto_refresh=False, transient=True) as live:
            try:
                while not overview.complete:
                    live.update(overview_table(overview), refresh=True)
                    time.sleep(REFRESH_SECONDS)
                    overview = watch.look(time.time())
            except KeyboardInterrupt:
                pass  # what it shows now is the last of it
    print_result(overview_table(overview))
