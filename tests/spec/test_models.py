"""``[model]``: a section of the architecture that it names, with the errors of that architecture."""

import json
import re
from typing import Any

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.models import GRU, LSTM, MLP, MODELS, GraphNet
from widthwise.spec import Spec, identity, load_spec, outside, points


def message_of(table: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec({"experiment": "ntk", **table})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_a_name_is_enough_and_a_dump_makes_the_same(name: str) -> None:
    spec = load_spec({"experiment": "nngp", "model": {"name": name}})
    assert type(spec.model) is MODELS[name]
    assert load_spec(json.loads(spec.model_dump_json())) == spec == Spec(experiment="nngp", model=MODELS[name]())  # type: ignore[call-arg]


def test_the_default_is_that_of_the_experiment() -> None:
    assert load_spec({"experiment": "ntk"}).model == MLP()
    assert load_spec({"experiment": "ntk", "model": {"depth": 2}}).model == MLP(depth=2)
    assert load_spec({"experiment": "recurrent_gradients", "model": {"steps": 4}}).model == LSTM(steps=4)
    assert load_spec({"experiment": "recurrent_gradients"}, ["model.name=gru"]).model == GRU()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model": {"name": "lstmm"}}, r"model\.name: 'lstmm' is not known; allowed: mlp, .*did you mean 'lstm'\?"),
        ({"model": {"name": {"a": 1}}}, r"model\.name: .*is not known; allowed: mlp"),
        ({"model": 3}, r"model: 3 is not a table of keys"),
        ({"model": {"name": "rnn", "depth": 3}}, r"model\.depth: is not a known key; allowed: name, law, .*steps"),
        ({"model": {"ratios": [1, 2, 3]}}, r"model\.ratios: 3 given, 2 needed"),
        ({"model": {"ratios": [1, 0]}}, r"model\.ratios\[1\]: 0 is below 0\.015625"),
        ({"model": {"name": "graph", "edges": [[0, 8]]}}, r"model\.edges: \[0, 8\] is no edge.*0 to 7"),
        ({"model": {"name": "graph", "edges": [[1, 1]]}}, r"model\.edges: \[1, 1\] is no edge"),
        ({"model": {"vector_law": "orthogonal"}}, r"model\.vector_law: 'orthogonal' is a law of matrices only"),
        ({"model": {"law": "normal"}}, r"model\.law: 'normal' is not known; allowed: gaussian"),
        ({"sweep": {"model.name": ["mlp", "rnn"]}}, r"sweep\.\"model\.name\": cannot be swept"),
        ({"sweep": {"model.ratios": [1, 2]}}, r"sweep\.\"model\.ratios\": cannot be swept"),
        ({"sweep": {"model.law": ["gaussian", "x"]}}, r"sweep\.\"model\.law\": 'x' is not known"),
        (
            {"experiment": "recurrent_gradients", "model": {"name": "mlp"}},
            r"model\.name: 'mlp' has no meaning for recurrent_gradients; allowed: lstm, gru, rnn",
        ),
        (
            {"experiment": "recurrent_gradients", "sweep": {"model.steps": [1, 2]}},
            r"sweep\.\"model\.steps\": cannot be swept",
        ),
        (
            {"experiment": "semicircle", "model": {"name": "rnn"}},
            r"model: has no meaning for the experiment semicircle",
        ),
    ],
)
def test_a_mistake_is_one_line(table: dict[str, Any], message: str) -> None:
    assert re.match(message, message_of(table))


def test_edges_and_booleans_are_read_from_a_document() -> None:
    spec = load_spec({"experiment": "ntk", "model": {"name": "graph", "nodes": 3, "edges": [[0, 1], [1, 2]]}})
    assert spec.model == GraphNet(nodes=3, edges=((0, 1), (1, 2)))
    swept = load_spec({"experiment": "ntk", "model": {"name": "lstm"}, "sweep": {"model.tied": [True, False]}})
    assert [point.spec.model for point in points(swept)] == [LSTM(tied=True), LSTM(tied=False)]


def test_laws_outside_the_theorems_are_said_whatever_they_are_of() -> None:
    spec = load_spec(
        {
            "experiment": "ntk",
            "model": {"vector_law": "student_t(3)"},
            "sweep": {"model.law": ["uniform", "student_t(4)"]},
        }
    )
    assert [line.split(" is outside")[0] for line in outside(spec)] == [
        "model.vector_law: student_t(3)",
        "model.law: student_t(4)",
    ]


def test_younger_keys_belong_to_the_identity_only_where_they_are_set() -> None:
    """Runs that were stored before they existed stay what they are."""
    plain = identity(load_spec({"experiment": "ntk"}), [np.ones((1, 1))])
    younger = ("model.law", "model.vector_law", "model.ratios", "options.biases")
    assert not set(younger) & set(plain.fields)
    for model in ({"law": "uniform"}, {"vector_law": "uniform"}, {"ratios": [1, 2]}):
        changed = identity(load_spec({"experiment": "ntk", "model": model}), [np.ones((1, 1))])
        assert changed.hash != plain.hash
    assert identity(load_spec({"experiment": "ntk"}, ["options.biases=true"]), [np.ones((1, 1))]).hash != plain.hash
