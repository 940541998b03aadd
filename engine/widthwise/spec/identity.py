"""Identity: what decides the numbers of a run, in canonical text, and its hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from widthwise.experiments import programs, tables_of
from widthwise.laws import registered_laws
from widthwise.models import registered
from widthwise.spec.messages import quoted, shown
from widthwise.spec.points import points
from widthwise.spec.schema import Spec
from widthwise.training import registered_losses, registered_optimizers

EXTENT = frozenset({"sweep.width", "sweep.trials", "limit.replicates"})
"""Keys that add blocks and change none; nor do the table ``verdict`` and the place of a file with the same data."""

LATER: Mapping[str, JsonValue] = {
    "model.law": "gaussian",
    "model.vector_law": "gaussian",
    "model.ratios": [],
    "options.biases": False,
}
"""Keys younger than the schema, left out of the identity at these values, so that stored runs stay what they are."""

LATER_TABLES = frozenset({"training", "optimizer", "parametrization"})
"""Tables younger than the schema, left out of the identity of experiments that do not use them."""

NAMED = {"activation": "activation", "law": "law", "vector_law": "law", "loss": "loss", "optimizer.name": "optimizer"}
"""Keys, of any table or of one, that may name something of a user's own."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """``fields`` by dotted key, and the sha256 of their canonical JSON."""

    fields: Mapping[str, JsonValue]
    hash: str


def identity(spec: Spec, inputs: Sequence[np.ndarray]) -> Identity:
    """The identity of a spec whose points have ``inputs``, one array (input, feature) a point."""
    left_out = {"verdict", *(LATER_TABLES - tables_of(spec.experiment))}
    fields: dict[str, JsonValue] = {
        key: value
        for key, value in _flat(spec.model_dump(mode="json"))
        if key not in EXTENT
        and key != "data.path"
        and key.partition(".")[0] not in left_out
        and not (key in LATER and value == LATER[key])
    }
    fields["inputs"] = [_array_hash(array) for array in inputs]
    fields |= {name: hashlib.sha256(source.encode()).hexdigest() for name, source in _own_code(spec).items()}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Identity(fields=fields, hash=hashlib.sha256(text.encode()).hexdigest())


def _own_code(spec: Spec) -> dict[str, str]:
    """The user's code that the numbers depend on: the program; activations, laws and so on that some point names.

    Which of them a program uses nobody knows: all of them count then.
    """
    program = programs().get(spec.experiment)
    sections = [entry for point in points(spec) for entry in point.spec.tables.items()]
    named = [(name, value) for table, section in sections for key, value in section for name in (key, f"{table}.{key}")]
    used = {(NAMED[name], value) for name, value in named if name in NAMED}
    own_code = [("activation", own.name, own.source) for own in registered()]
    own_code += [("law", own.name, own.source) for own in registered_laws()]
    own_code += [("loss", own.name, own.source) for own in registered_losses()]
    own_code += [("optimizer", own.name, own.source) for own in registered_optimizers()]
    code = {f"{key} {name}": source for key, name, source in own_code if program or (key, name) in used}
    return code if program is None else code | {"program": program.source}


def differing(recorded: Mapping[str, JsonValue], asked: Mapping[str, JsonValue]) -> list[str]:
    """One line for each key on which two identities differ: ``model.depth: 3 in the run, 4 in the spec``."""
    keys = [key for key in sorted({*recorded, *asked}) if recorded.get(key) != asked.get(key)]
    return [_difference(key, recorded.get(key), asked.get(key)) for key in keys]


def _difference(key: str, recorded: JsonValue, asked: JsonValue) -> str:
    if key == "inputs":
        return "inputs: the data of the spec is not the data of the run"
    if key == "program" or key.startswith(("activation ", "law ", "loss ", "optimizer ")):
        return f"{key}: its code is not that of the run"
    values = ["nothing" if value is None else shown(value) for value in (recorded, asked)]
    return f"{key}: {values[0]} in the run, {values[1]} in the spec"


def _flat(table: Mapping[str, JsonValue], prefix: str = "") -> list[tuple[str, JsonValue]]:
    """Entries by dotted key; a number of trials by width is one entry."""
    entries: list[tuple[str, JsonValue]] = []
    for key, value in table.items():
        name = f"{prefix}{quoted(key)}"
        nested = isinstance(value, dict) and name not in EXTENT
        entries += _flat(value, f"{name}.") if nested and isinstance(value, dict) else [(name, value)]
    return entries


def _array_hash(array: np.ndarray) -> str:
    """sha256 of the shape and of the little-endian float64 values."""
    values = np.ascontiguousarray(array, dtype="<f8")
    return hashlib.sha256(f"{values.shape}:".encode() + values.tobytes()).hexdigest()
