"""load_spec: from a file or a table, and from changes on the command line, to a spec."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from widthwise.documents import parse_toml, read_document
from widthwise.errors import SpecError
from widthwise.spec.points import points
from widthwise.spec.schema import Spec

BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(\([0-9.e+-]+\))?")
"""A value of ``--set`` that needs no quotes: a name, a path, a law such as ``student_t(5)``."""


def load_spec(
    source: str | Path | Mapping[str, Any], overrides: Sequence[str] = (), *, base: Path | None = None
) -> Spec:
    """Read and validate a spec, every point of its sweep included.

    Args:
        source: a TOML or YAML file, or the table that such a file holds.
        overrides: changes ``key=value``, the value as TOML writes it (a name needs no quotes).
        base: where a relative ``data.path`` starts; a file's own directory, or the current one.

    Raises:
        SpecError: one line with the key, the value and what is allowed.
    """
    if isinstance(source, Mapping):
        table, base = dict(source), base or Path.cwd()
    else:
        table, base = read_document(Path(source)), base or Path(source).parent
    for override in overrides:
        path, value = _parsed(override)
        table = _with(table, path, value, override)
    spec = Spec.model_validate(_located(table, base.resolve()))
    points(spec)
    return spec


def _parsed(override: str) -> tuple[list[str], object]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip() or not text.strip():
        message = f"--set {override!r}: is not of the form key=value, for example model.depth=5"
        raise SpecError(message)
    return _path(key, override), _value(text, override)


def _path(key: str, override: str) -> list[str]:
    path: list[str] = []
    table: Any = parse_toml(f"{key} = 0", f"--set {override!r}")
    while isinstance(table, dict) and len(table) == 1:
        [(part, table)] = table.items()
        path.append(part)
    return path


def _value(text: str, override: str) -> object:
    text = text.strip()
    if BARE_WORD.fullmatch(text) and text not in ("true", "false", "nan", "inf"):
        return text
    try:
        table = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        table = {}
    if list(table) != ["value"] or len(text) > 4096:
        message = f'--set {override[:60]!r}: the value is not TOML; write a number, true, [1, 2] or "text"'
        raise SpecError(message)
    return table["value"]


def _with(table: Mapping[str, Any], path: Sequence[str], value: object, override: str) -> dict[str, Any]:
    """A copy of nested tables with one entry replaced; tables on the way are made where they are missing."""
    head, *rest = path
    if not rest:
        return {**table, head: value}
    inner = table.get(head, {})
    if not isinstance(inner, Mapping):
        message = f"--set {override!r}: {head} is {inner!r}, not a table with keys of its own"
        raise SpecError(message)
    return {**table, head: _with(inner, rest, value, override)}


def _located(table: dict[str, Any], base: Path) -> dict[str, Any]:
    """The table with every relative path of data made absolute, so that a dump of the spec runs anywhere."""
    data, sweep = table.get("data"), table.get("sweep")
    if isinstance(data, Mapping) and isinstance(data.get("path"), str):
        table = {**table, "data": {**data, "path": _absolute("data.path", data["path"], base)}}
    if isinstance(sweep, Mapping) and isinstance(sweep.get("data.path"), list | tuple):
        paths = [_absolute('sweep."data.path"', path, base) for path in sweep["data.path"]]
        table = {**table, "sweep": {**sweep, "data.path": paths}}
    return table


def _absolute(key: str, path: object, base: Path) -> object:
    """Raises SpecError for a path that climbs out of the spec's directory, or is no path of this machine."""
    if not isinstance(path, str):
        return path  # the schema has words for it
    if ".." in Path(path).parts:
        message = f"{key}: {path!r} leaves the spec's directory; put the file below it or give the whole path"
        raise SpecError(message)
    if "://" in path or "\0" in path or not path:
        message = f"{key}: {path!r} is not the path of a file on this machine"
        raise SpecError(message)
    return str(base / path)
