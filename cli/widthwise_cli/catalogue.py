"""``widthwise list``: the experiments, their readouts and the keys of a spec."""

from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from typer import Argument, Option

from widthwise.errors import SpecError
from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
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
        print_result(_keys())
    else:
        print_result(_overview(shown))


def _document(kind: "Kind") -> dict[str, object]:
    return {
        "name": kind.name,
        "summary": kind.summary,
        "assumptions": kind.assumptions,
        "source": kind.source,
        "readouts": dict(kind.readouts),
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


def _keys() -> Table:
    """The keys of a spec with their defaults, and the activations there are."""
    from widthwise.models import activation_names
    from widthwise.spec import Spec

    table = Table("key", "default", box=None, pad_edge=False)
    for section, values in Spec(experiment="ntk").model_dump(mode="json").items():
        if section == "experiment":
            continue
        entries = values.items() if isinstance(values, dict) else [(None, values)]
        for key, value in entries:
            table.add_row(section if key is None else f"{section}.{key}", "" if value is None else str(value))
    table.add_row("model.activation is one of", ", ".join(activation_names()))
    return table
