"""Where words go: results to stdout, messages and progress to stderr."""

import json
import sys

from rich.console import Console, RenderableType
from rich.text import Text

messages = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people who watch."""


def print_result(renderable: RenderableType) -> None:
    """A result for people; as wide as it needs to be when it goes to a file or a pipe."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=160)
    console.print(Text(renderable) if isinstance(renderable, str) else renderable)


def print_json(document: object) -> None:
    """A result for machines."""
    print(json.dumps(document, indent=2, allow_nan=False))
