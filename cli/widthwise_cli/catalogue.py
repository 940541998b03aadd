"""``widthwise list``: the experiments and architectures, their readouts and the keys of a spec."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from rich.table import Table
from typer import Argument, Option

from widthwise.errors import SpecError
from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from pydantic import JsonValue

    from widthwise.experiments import Kind
    from widthwise.models import Architecture
    from widthwise.sections import Section

    Key = tuple[str, JsonValue, str]


def list_(
    name: Annotated[
        str | None, Argument(metavar="NAME", help="An experiment or an architecture.", show_default=False)
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """List the experiments and architectures, or all about one of them."""
    from widthwise.experiments import EXPERIMENTS
    from widthwise.models import MODELS

    if name is not None and name not in (*EXPERIMENTS, *MODELS):
        message = f"{name}: no such experiment or architecture; known: {', '.join((*EXPERIMENTS, *MODELS))}"
        raise SpecError(message)
    kinds = [kind for kind in EXPERIMENTS.values() if name in (None, kind.name)]
    models = [model.model_validate({}) for key, model in MODELS.items() if name in (None, key)]
    if json:
        print_json([*map(_experiment_document, kinds), *map(_model_document, models)])
    elif name is None:
        print_result(_experiments(kinds))
        print_result("")
        print_result(_architectures(models))
    else:
        for kind in kinds:
            print_result(_details(kind))
            print_result(_key_table(_experiment_keys(kind)))
        for model in models:
            print_result(_model_details(model))
            print_result(_key_table(_section_keys("model", model)))


def _experiment_document(kind: "Kind") -> dict[str, object]:
    return {
        "kind": "experiment",
        "name": kind.name,
        "summary": kind.summary,
        "assumptions": kind.assumptions,
        "source": kind.source,
        "readouts": dict(kind.readouts),
        "keys": _key_documents(_experiment_keys(kind)),
    }


def _model_document(model: "Architecture") -> dict[str, object]:
    return {
        "kind": "architecture",
        "name": model.name,
        "summary": model.summary,
        "source": model.source,
        "no_tangent_kernel": model.no_tangent_kernel or None,
        "keys": _key_documents(_section_keys("model", model)),
    }


def _key_documents(keys: "Iterator[Key]") -> dict[str, object]:
    return {key: {"default": default, "allowed": allowed} for key, default, allowed in keys}


def _experiments(kinds: "list[Kind]") -> Table:
    table = Table("experiment", "readouts", "what is measured", box=None, pad_edge=False)
    for kind in kinds:
        table.add_row(kind.name, ", ".join(name for name, _ in kind.readouts), kind.summary)
    return table


def _architectures(models: "list[Architecture]") -> Table:
    table = Table("architecture", "what it is (model.name)", box=None, pad_edge=False)
    for model in models:
        table.add_row(model.name, model.summary)
    return table


def _details(kind: "Kind") -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, text in (("experiment", kind.name), ("measures", kind.summary), ("assumes", kind.assumptions)):
        table.add_row(label, text)
    for name, text in kind.readouts:
        table.add_row(f"readout {name}", text)
    table.add_row("source", kind.source)
    return table


def _model_details(model: "Architecture") -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    lines = [("architecture", model.name), ("is", model.summary), ("source", model.source)]
    if model.no_tangent_kernel:
        lines.append(("no tangent kernel", model.no_tangent_kernel))
    for label, text in lines:
        table.add_row(label, text)
    return table


def _key_table(keys: "Iterator[Key]") -> Table:
    """The keys that a spec may have."""
    table = Table("key", "default", "allowed", box=None, pad_edge=False)
    for key, default, allowed in keys:
        table.add_row(key, "" if default is None else str(default), allowed)
    return table


def _experiment_keys(kind: "Kind") -> "Iterator[Key]":
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
            yield from _section_keys(name, section)
        elif name not in unused:
            yield name, default, _allowed(name, rules[name])


def _section_keys(name: str, section: "Section") -> "Iterator[Key]":
    """The keys of one table; those of ``model`` are of the architecture that it names."""
    rules = type(section).model_json_schema()["properties"]
    for key, default in section.model_dump(mode="json").items():
        yield f"{name}.{key}", default, _allowed(f"{name}.{key}", rules[key])


def _allowed(key: str, rule: dict[str, Any]) -> str:
    """The values of a key in words, from its JSON schema; names by what is known in this process."""
    from widthwise.laws import law_names
    from widthwise.models import MODELS, activation_names

    if key == "model.name":
        return f"{', '.join(MODELS)}: each with keys of its own, see widthwise list NAME"
    if "names" in rule:
        names = {"activation": activation_names(), "law": law_names(), "vector law": law_names()}[rule["names"]]
        return ", ".join(name for name in names if rule["names"] == "law" or name != "orthogonal")
    if "anyOf" in rule:
        return " or ".join(_allowed(key, one) for one in rule["anyOf"] if one.get("type") != "null")
    if "const" in rule or "enum" in rule:
        return ", ".join(str(value) for value in rule.get("enum", [rule.get("const")]))
    if "prefixItems" in rule:
        return " and ".join(_allowed(key, item) for item in rule["prefixItems"])
    if rule["type"] == "array":
        return f"a list, each {_allowed(key, rule['items'])}"
    kinds = {
        "integer": "an integer",
        "number": "a number",
        "string": "text",
        "object": "a table",
        "boolean": "true, false",
    }
    kind = kinds[rule["type"]]
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
    words = [f"{word} {str(rule[bound]).removesuffix('.0')}" for bound, word in bounds.items() if bound in rule]
    return " ".join([kind, *words])
