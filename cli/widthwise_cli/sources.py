"""From the arguments of ``run`` to a spec and a run directory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from widthwise.documents import SUFFIXES, Table, read_document
from widthwise.errors import SpecError

if TYPE_CHECKING:
    from widthwise.spec import Spec
    from widthwise.store import RunPath

# The engine is imported inside of functions here and in the other commands: torch takes seconds to import, and neither
# --help nor a file that cannot be read should wait for it.


def read_spec(source: str | None, overrides: Sequence[str], *, program: str | None) -> "Spec":
    """The spec of a file, or that of the experiment called ``source``, with changes ``key=value``.

    ``program`` is the experiment that the command line brought in: with it there need be no source, and a file need not
    name an experiment.
    """
    if source is None and program is None:
        message = "nothing to run; give a spec file, the name of an experiment, or --program module:function"
        raise SpecError(message)
    if source is not None and not _is_file(source):
        return _named(source, overrides, program)
    table = {} if source is None else read_document(Path(source))
    _name_program(table, program, str(source))
    from widthwise.spec import load_spec

    return load_spec(table, overrides, base=None if source is None else Path(source).parent)


def _name_program(table: Table, program: str | None, source: str) -> None:
    if program is not None and table.setdefault("experiment", program) != program:
        message = f"experiment: {table['experiment']!r} in {source} and {program!r} by --program; leave one out"
        raise SpecError(message)


def changes(*, width: str | None, trials: int | None, tolerance: float | None, others: Sequence[str]) -> list[str]:
    """The options with a name of their own as changes ``key=value``, before those of ``--set``."""
    named = [f"sweep.width=[{', '.join(_widths(width))}]"] if width is not None else []
    named += [f"sweep.trials={trials}"] if trials is not None else []
    named += [f"verdict.tolerance={tolerance}"] if tolerance is not None else []
    return [*named, *others]


def run_directory(source: str, out: str | None) -> "RunPath":
    """``--out``, a path or a URL, or ``NAME.run`` in the current directory."""
    return place(out or f"{Path(source).stem}.run")


def place(text: str) -> "RunPath":
    """Where an argument says that a run or a figure is.

    Raises:
        SpecError: a URL of a scheme that is no storage.
    """
    from widthwise.store import run_path

    return run_path(text)


def _is_file(source: str) -> bool:
    return Path(source).suffix in SUFFIXES or "/" in source or Path(source).is_file()


def _named(name: str, overrides: Sequence[str], program: str | None) -> "Spec":
    from widthwise.experiments import EXPERIMENTS
    from widthwise.spec import load_spec

    if name not in EXPERIMENTS:
        message = f"{name}: neither a spec file nor an experiment; known experiments: {', '.join(EXPERIMENTS)}"
        raise SpecError(message)
    table: Table = {"experiment": name}
    _name_program(table, program, "the command")
    return load_spec(table, overrides)


def _widths(text: str) -> list[str]:
    widths = [part.strip() for part in text.split(",")]
    wrong = next((part for part in widths if not (part.isascii() and part.isdigit())), None)
    if wrong is not None:
        message = f"--width {text}: {wrong!r} is not a width; write for example --width 64,256,1024"
        raise SpecError(message)
    return widths
