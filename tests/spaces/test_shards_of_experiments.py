"""Blocks of the limit that a group measures together are those of one process, whatever the experiment."""

import numpy as np
import pytest
from thread_group import each

from widthwise.experiments import EXPERIMENTS, has_limit
from widthwise.plan import Block
from widthwise.run.worker import measure_block
from widthwise.spaces import Shard
from widthwise.spec import Spec

INPUTS = (np.random.default_rng(0).standard_normal((3, 8)),)
LIMIT = Block(kind="limit", point=0, width=0, index=1)
WITH_LIMIT = [name for name in EXPERIMENTS if has_limit(name)]
QUICK = {"ntk", "marchenko_pastur", "master_theorem", "mean_pooling", "clipped_identity", "gradient_independence"}
POSITIONAL = {"conv1d": {"positions": 4}, "attention": {"positions": 4}, "transformer": {"positions": 4}}


def spec(experiment: str, samples: int = 1 << 16, **tables: object) -> Spec:
    return Spec.model_validate({"experiment": experiment, "limit": {"samples": samples, "replicates": 2}} | tables)


def assert_same_bits(here: Spec, count: int) -> None:
    expected = measure_block(here, INPUTS, LIMIT)
    for found in each(count, lambda shard: measure_block(here, INPUTS, LIMIT, shard)):
        assert not isinstance(found, Exception), found
        assert found.keys() == expected.keys()
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name], strict=True)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in WITH_LIMIT]
)
def test_every_limit_can_be_shared(name: str) -> None:
    assert_same_bits(spec(name), 2)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["ntk", "signal_propagation"])
@pytest.mark.parametrize("model", ["layer_norm", "batch_norm", "resnet", "rnn", "gru", "lstm", *POSITIONAL])
def test_every_network_can_be_shared(model: str, experiment: str) -> None:
    assert_same_bits(spec(experiment, 1 << 17, model={"name": model, **POSITIONAL.get(model, {})}), 4)


def test_blocks_at_finite_width_are_computed_by_every_member() -> None:
    here = spec("nngp", sweep={"width": [16], "trials": 8})
    block = Block(kind="trials", point=0, width=16, index=0)

    def work(shard: Shard) -> np.ndarray:
        return measure_block(here, INPUTS, block, shard)["nngp"]

    one, other = each(2, work)
    np.testing.assert_array_equal(one, other)


def test_samples_that_cannot_be_shared_are_refused() -> None:
    for error in each(2, lambda shard: measure_block(spec("nngp", 1 << 15), INPUTS, LIMIT, shard)):
        assert "limit.samples: 32768" in str(error)
