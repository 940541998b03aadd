"""What a run has found, on stdout: curves and verdicts, or the best learning rates by width."""

from pathlib import Path
from typing import TYPE_CHECKING

from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from widthwise.report.pipeline import Curves
    from widthwise.report.transfer import Transfer


def print_findings(curves: "Curves", transfer: "Transfer | None", *, json: bool) -> None:
    """For people, or for machines."""
    from widthwise.report import summary_line, table, to_json
    from widthwise.report.transfer_words import transfer_json, transfer_line, transfer_table

    if json:
        print_json(transfer_json(transfer) if transfer else to_json(*curves))
    else:
        print_result(transfer_table(transfer) if transfer else table(*curves))
        print_result(transfer_line(transfer) if transfer else summary_line(*curves))


def transfer_of(run: Path, curves: "Curves") -> "Transfer | None":
    """The best learning rates by width, of a run that measures them."""
    from widthwise.report import transfer
    from widthwise.store import open_run

    found = open_run(run)
    return transfer.transfer_of(found, float(curves[1].attrs["confidence"])) if transfer.has_transfer(found) else None
