"""What a person or a program reads: table, figure, JSON."""

from widthwise.report.document import to_json
from widthwise.report.figure import figure
from widthwise.report.table import table
from widthwise.report.words import summary_line

__all__ = ["figure", "summary_line", "table", "to_json"]
