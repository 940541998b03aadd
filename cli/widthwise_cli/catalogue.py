"""``widthwise list``: what a spec can name, the readouts of experiments, and the keys of a spec."""

from collections.abc import Iterable, Iterator, Mapping
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
    from widthwise.training import OptimizerOptions

    Key = tuple[str, JsonValue, str]


def list_(
    name: Annotated[
        str | None, Argument(metavar="NAME", help="An experiment, architecture or optimizer.", show_default=False)
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """List the experiments, architectures, optimizers, losses and parametrizations, or all about one of the first."""
    from widthwise.experiments import EXPERIMENTS
    from widthwise.models import MODELS
    from widthwise.training import LOSSES, OPTIMIZERS, PRESETS

    known = (*EXPERIMENTS, *MODELS, *OPTIMIZERS)
    if name is not None and name not in known:
        message = f"{name}: no such experiment, architecture or optimizer; known: {', '.join(known)}"
        raise SpecError(message)
    kinds = [kind for kind in EXPERIMENTS.values() if name in (None, kind.name)]
    models = [model.model_validate({}) for key, model in MODELS.items() if name in (None, key)]
    optimizers = [options.model_validate({}) for key, options in OPTIMIZERS.items() if name in (None, key)]
    words = {"loss": LOSSES, "parametrization": PRESETS} if name is None else {}
    if json:
        documents = [*map(_experiment_document, kinds), *map(_model_document, models)]
        documents += map(_optimizer_document, optimizers)
        print_json([*documents, *(_word_document(kind, *word) for kind in words for word in words[kind].items())])
    elif name is None:
        print_result(_experiments(kinds))
        for table in (
            _words("architecture", "what it is (model.name)", ((each.name, each.summary) for each in models)),
            _words("optimizer", "what it is (optimizer.name)", ((each.name, each.summary) for each in optimizers)),
            _words("loss", "what it is (training.loss)", LOSSES.items()),
            _words("parametrization", "what it is (parametrization.preset)", PRESETS.items()),
        ):
            print_result("")
            print_result(table)
    else:
        for kind in kinds:
            print_result(_details(kind))
            print_result(_key_table(_experiment_keys(kind)))
        for model in models:
            print_result(_model_details(model))
            print_result(_key_table(_section_keys("model", model)))
        for options in optimizers:
            print_result(_optimizer_details(options))
            print_result(_key_table(_section_keys("optimizer", options)))


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


def _optimizer_document(options: "OptimizerOptions") -> dict[str, object]:
    return {
        "kind": "optimizer",
        "name": options.name,
        "summary": options.summary,
        "source": options.source,
        "linear": options.linear,
        "keys": _key_documents(_section_keys("optimizer", options)),
    }


def _word_document(kind: str, name: str, summary: str) -> dict[str, object]:
    return {"kind": kind, "name": name, "summary": summary}


def _key_documents(keys: "Iterator[Key]") -> dict[str, object]:
    return {key: {"default": default, "allowed": allowed} for key, default, allowed in keys}


def _experiments(kinds: "list[Kind]") -> Table:
    table = Table("experiment", "readouts", "what is measured", box=None, pad_edge=False)
    for kind in kinds:
        table.add_row(kind.name, ", ".join(name for name, _ in kind.readouts), kind.summary)
    return table


def _words(kind: str, meaning: str, words: Iterable[tuple[str, str]]) -> Table:
    table = Table(kind, meaning, box=None, pad_edge=False)
    for name, summary in words:
        table.add_row(name, summary)
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
    lines = [("architecture", model.name), ("is", model.summary), ("source", model.source)]
    if model.no_tangent_kernel:
        lines.append(("no tangent kernel", model.no_tangent_kernel))
    return _lines(lines)


def _optimizer_details(options: "OptimizerOptions") -> Table:
    linear = "in the gradients" if options.linear else "no"
    return _lines(
        [("optimizer", options.name), ("is", options.summary), ("linear", linear), ("source", options.source)]
    )


def _lines(lines: Iterable[tuple[str, str]]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
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
    from widthwise.experiments import TABLES, tables_of
    from widthwise.sections import Section
    from widthwise.spec import Spec

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
    """The keys of one table and of those inside of it; a table with a name has those of what it names."""
    from widthwise.sections import Section

    rules = type(section).model_json_schema()["properties"]
    for key, default in section.model_dump(mode="json").items():
        inner = getattr(section, key)
        if isinstance(inner, Section):
            yield from _section_keys(f"{name}.{key}", inner)
        else:
            yield f"{name}.{key}", default, _allowed(f"{name}.{key}", rules[key])


def _allowed(key: str, rule: dict[str, Any]) -> str:
    """The values of a key in words, from its JSON schema; names by what is known in this process."""
    if key in ("model.name", "optimizer.name"):
        return f"{', '.join(_names(key))}: each with keys of its own, see widthwise list NAME"
    if key == "training.schedule.name":
        return f"{', '.join(_names(key))}: each with keys of its own"
    if rule.get("names") == "exponent":
        return "a number such as 0, -1 or '1/2'"
    if "names" in rule:
        return ", ".join(_names(rule["names"]))
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


def _names(of: str) -> "list[str]":
    """What is known in this process of a kind of names, or what a key may name."""
    from widthwise.laws import law_names
    from widthwise.models import MODELS, activation_names
    from widthwise.training import SCHEDULES, loss_names, optimizer_names

    names: Mapping[str, Iterable[str]] = {
        "activation": activation_names(),
        "law": law_names(),
        "vector law": (name for name in law_names() if name != "orthogonal"),
        "loss": loss_names(),
        "model.name": MODELS,
        "optimizer.name": optimizer_names(),
        "training.schedule.name": SCHEDULES,
    }
    return list(names[of])
