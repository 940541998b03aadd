"""What a run has found, on stdout: curves and verdicts, best learning rates by width, or correlations."""

from functools import partial
from typing import TYPE_CHECKING

from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from widthwise.report.correlation import Correlation
    from widthwise.report.outlook import Outlook
    from widthwise.report.pipeline import Curves
    from widthwise.report.transfer import Transfer
    from widthwise.store import RunPath

    Findings = Transfer | Correlation | None


def print_findings(curves: "Curves", found: "Findings", *, json: bool, reached: "Outlook | None" = None) -> None:
    """For people, or for machines; ``reached`` is what an adaptive run adds."""
    from widthwise.report import summary_line, table, to_json
    from widthwise.report.correlation import Correlation
    from widthwise.report.correlation_words import correlation_json, correlation_line, correlation_table
    from widthwise.report.outlook import outlook_json, outlook_words
    from widthwise.report.transfer import Transfer
    from widthwise.report.transfer_words import transfer_json, transfer_line, transfer_table

    match found:
        case Transfer():
            document, words = partial(transfer_json, found), partial(transfer_table, found)
            line = partial(transfer_line, found)
        case Correlation():
            document, words = partial(correlation_json, found), partial(correlation_table, found)
            line = partial(correlation_line, found)
        case None:
            document, words = partial(to_json, *curves), partial(table, *curves)
            line = partial(summary_line, *curves)
    if json:
        print_json(document() | ({"adaptive": outlook_json(reached)} if reached else {}))
    else:
        print_result(words())
        print_result(line())
        if reached:
            print_result(outlook_words(reached))


def findings_of(run: "RunPath", curves: "Curves") -> "Findings":
    """What stands in place of the curves of a run that measures it: best learning rates by width, or correlations."""
    from widthwise.report import correlation, transfer
    from widthwise.store import open_run

    opened, confidence = open_run(run), float(curves[1].attrs["confidence"])
    if transfer.has_transfer(opened):
        return transfer.transfer_of(opened, confidence)
    return correlation.correlation_of(opened, confidence) if correlation.has_correlation(opened) else None
