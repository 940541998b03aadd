"""Untrusted text to plain tables: TOML, or YAML without its surprises, with caps on size and depth."""

import re
import tomllib
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml

from widthwise.errors import SpecError

MAX_BYTES = 128 * 1024
MAX_LINE = 4096
"""Characters of a TOML line: the parser takes a time quadratic in the length of a dotted key."""
MAX_DEPTH = 8
SUFFIXES = (".toml", ".yaml", ".yml", ".json")

Table = dict[str, Any]


def read_document(path: Path) -> Table:
    """The table that a file holds; YAML also reads JSON.

    Raises:
        SpecError: the file is missing, too large, binary, malformed, too deep, or repeats a key.
    """
    if path.suffix not in SUFFIXES:
        message = f"{path}: a spec ends in one of {', '.join(SUFFIXES)}"
        raise SpecError(message)
    text = _read_text(path)
    return parse_toml(text, str(path)) if path.suffix == ".toml" else _parse_yaml(text, str(path))


def parse_toml(text: str, name: str) -> Table:
    """The table that a TOML text holds; ``name`` stands in the messages."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > MAX_LINE:
            message = f"{name}: line {number} has {len(line)} characters, the longest allowed is {MAX_LINE}; break it"
            raise SpecError(message)
    return _checked(lambda: tomllib.loads(text), text, name)


def _parse_yaml(text: str, name: str) -> Table:
    return _checked(lambda: yaml.load(text, Loader=_Loader), text, name)


def _read_text(path: Path) -> str:
    if not path.exists():
        message = f"{path}: there is no such file"
        raise SpecError(message)
    if not path.is_file():
        message = f"{path}: not a file; a spec is one TOML or YAML file"
        raise SpecError(message)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); check its permissions"
        raise SpecError(message) from None
    if len(data) > MAX_BYTES:
        message = f"{path}: larger than {MAX_BYTES // 1024} KiB; a spec is short, data stands in a file of its own"
        raise SpecError(message)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{path}: byte {error.start} is not UTF-8; a spec is a text file"
        raise SpecError(message) from None
    if not text.strip():
        message = f'{path}: is empty; the shortest spec is: experiment = "ntk"'
        raise SpecError(message)
    return text


def _checked(parse: Callable[[], Any], text: str, name: str) -> Table:
    try:
        table = parse()
    except tomllib.TOMLDecodeError as error:
        message = f"{name}: {_with_line(str(error), text)}"
        raise SpecError(message) from None
    except yaml.YAMLError as error:
        message = f"{name}: {_yaml_reason(error)}"
        raise SpecError(message) from None
    except RecursionError:
        message = f"{name}: nested too deeply, at most {MAX_DEPTH} levels are allowed"
        raise SpecError(message) from None
    except ValueError:
        message = f"{name}: holds a number that is too long"
        raise SpecError(message) from None
    if not isinstance(table, dict):
        message = f'{name}: holds {type(table).__name__}, not a table of keys; the shortest spec is: experiment = "ntk"'
        raise SpecError(message)
    _require_plain(table, name)
    return table


def _with_line(reason: str, text: str) -> str:
    """The parser's reason and the line it speaks of, so that the key is named."""
    found = re.search(r" \(at line (\d+), column \d+\)", reason)
    lines = text.splitlines()
    number = int(found.group(1)) if found else len(lines)
    line = lines[min(number, len(lines)) - 1].strip() if lines else ""
    return f"line {number}, {line[:60]!r}: {re.sub(r' [(]at .*[)]', '', reason)}"


def _yaml_reason(error: yaml.YAMLError) -> str:
    parts = [getattr(error, part, None) for part in ("context", "problem")]
    problem = ", ".join(part for part in parts if part) or str(error)
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return where + " ".join(str(problem).split())


def _require_plain(table: Table, name: str) -> None:
    """Only tables with text keys, lists, text, numbers, booleans; never deeper than `MAX_DEPTH`."""
    level: list[Any] = [table]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value, name)]
    if level:
        message = f"{name}: nested too deeply, at most {MAX_DEPTH} levels are allowed"
        raise SpecError(message)


def _children(value: object, name: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return value
    if value is None or isinstance(value, str | int | float | bool):
        return []
    kind = type(value).__name__
    message = f"{name}: {str(value)[:40]!r} is a {kind}; allowed: text, numbers, booleans, lists, tables"
    raise SpecError(message)


class _Loader(yaml.SafeLoader):
    """YAML's safe loader without aliases and repeated keys; numbers as in YAML 1.2 (``1e6``, never ``12:30``)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        # A key is its text, whatever it looks like: 64 and "64" are the same key, as in TOML.
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^null$"), ["n"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$"),
    list("-+.0123456789"),
)
