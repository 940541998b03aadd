"""``widthwise list``: the experiments, their readouts and the keys of a spec."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from rich.table import Table
from typer import Argument, Option

from widthwise.errors import SpecError
from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from pydantic import JsonValue

    from widthwise.experiments import Kind


def list_(
    name: Annotated[str | None, Argument(metavar="NAME", help="An experiment.", show_default=False)] = None,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """List the experiments, or all about one of them."""
    from widthwise.experiments import EXPERIMENTS

    if name is not None and name not in EXPERIMENTS:
        message = f"{name}: no such experiment; known: {', '.join(EXPERIMENTS)}"
        raise SpecError(message)
    shown = [EXPERIMENTS[name]] if name is not None else list(EXPERIMENTS.values())
    if json:
        print_json([_document(kind) for kind in shown])
    elif name is not None:
        print_result(_details(EXPERIMENTS[name]))
        print_result(_key_table(EXPERIMENTS[name]))
    else:
        print_result(_overview(shown))


def _document(kind: "Kind") -> dict[str, object]:
    return {
        "name": kind.name,
        "summary": kind.summary,
        "assumptions": kind.assumptions,
        "source": kind.source,
        "readouts": dict(kind.readouts),
        "keys": {key: {"default": default, "allowed": allowed} for key, default, allowed in _keys(kind)},
    }


def _overview(kinds: "list[Kind]") -> Table:
    table = Table("experiment", "readouts", "what is measured", box=None, pad_edge=False)
    for kind in kinds:
        table.add_row(kind.name, ", ".join(name for name, _ in kind.readouts), kind.summary)
    return table


def _details(kind: "Kind") -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, text in (("experiment", kind.name), ("measures", kind.summary), ("assumes", kind.assumptions)):
        table.add_row(label, text)
    for name, text in kind.readouts:
        table.add_row(f"readout {name}", text)
    table.add_row("source", kind.source)
    return table


def _key_table(kind: "Kind") -> Table:
    """The keys that a spec of an experiment may have."""
    table = Table("key", "default", "allowed", box=None, pad_edge=False)
    for key, default, allowed in _keys(kind):
        table.add_row(key, "" if default is None else str(default), allowed)
    return table


def _keys(kind: "Kind") -> "Iterator[tuple[str, JsonValue, str]]":
    """Every key with its default and what it may be; no key of a table that the experiment does not use."""
    from widthwise.experiments import tables_of
    from widthwise.sections import Section
    from widthwise.spec import TABLES, Spec

    spec = Spec(experiment=kind.name)
    rules = Spec.model_json_schema()["properties"]
    unused = {"experiment", *TABLES} - tables_of(kind.name)
    for name, default in spec.model_dump(mode="json").items():
        section = getattr(spec, name)
        if isinstance(section, Section) and name not in unused:
            inner = type(section).model_json_schema()["properties"]
            yield from ((f"{name}.{key}", value, _allowed(key, inner[key])) for key, value in default.items())
        elif name not in unused:
            yield name, default, _allowed(name, rules[name])


def _allowed(key: str, rule: dict[str, Any]) -> str:
    """The values of a key in words, from its JSON schema; names by what is known in this process."""
    from widthwise.laws import law_names
    from widthwise.models import activation_names

    names = {"activation": activation_names, "law": law_names}
    if key in names:
        return ", ".join(names[key]())
    if "anyOf" in rule:
        return " or ".join(_allowed(key, one) for one in rule["anyOf"] if one.get("type") != "null")
    if "const" in rule or "enum" in rule:
        return ", ".join(str(value) for value in rule.get("enum", [rule.get("const")]))
    if rule["type"] == "array":
        return f"a list, each {_allowed(key, rule['items'])}"
    kind = {"integer": "an integer", "number": "a number", "string": "text", "object": "a table"}[rule["type"]]
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
    words = [f"{word} {str(rule[bound]).removesuffix('.0')}" for bound, word in bounds.items() if bound in rule]
    return " ".join([kind, *words])
