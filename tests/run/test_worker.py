"""A block is a pure function of the spec and its address."""

import numpy as np

from widthwise.plan import Block
from widthwise.run.worker import measure_block
from widthwise.spec import Spec

INPUTS = (np.random.default_rng(0).standard_normal((3, 5)),)


def spec(**tables: object) -> Spec:
    base = {"experiment": "ntk", "sweep": {"width": [8, 16], "trials": 8}, "limit": {"samples": 1024, "replicates": 2}}
    return Spec.model_validate(base | tables)


def trials(width: int, index: int, spec: Spec) -> dict[str, np.ndarray]:
    return measure_block(spec, INPUTS, Block(kind="trials", point=0, width=width, index=index))


def test_a_block_holds_whole_microbatches_of_trials() -> None:
    here = spec(numerics={"microbatch": 4})
    block = trials(16, 1, here)
    assert {name: value.shape for name, value in block.items()} == {"nngp": (4, 3, 3), "ntk": (4, 3, 3)}
    assert all(value.dtype == np.float64 for value in block.values())
    assert np.isfinite(block["ntk"]).all()


def test_blocks_do_not_know_the_rest_of_the_sweep() -> None:
    one = trials(16, 1, spec())
    other = trials(16, 1, spec(sweep={"width": [16, 32, 64], "trials": 400}, limit={"replicates": 9, "samples": 2048}))
    np.testing.assert_array_equal(one["ntk"], other["ntk"])
    assert not np.array_equal(one["ntk"], trials(16, 0, spec())["ntk"])
    assert not np.array_equal(one["ntk"], trials(16, 1, spec(seed=1))["ntk"])


def test_sweep_points_share_their_random_numbers() -> None:
    swept = spec(
        sweep={"width": [16], "trials": 8, "model.weight_variance": [1.0, 2.0]},
        model={"activation": "identity", "depth": 1},
    )
    one, two = (measure_block(swept, INPUTS * 2, Block(kind="trials", point=p, width=16, index=0)) for p in (0, 1))
    np.testing.assert_allclose(2 * one["nngp"], two["nngp"], rtol=1e-5)


def test_arithmetic_is_the_rounding_error_of_the_dtype() -> None:
    block = Block(kind="arithmetic", point=0, width=0, index=0)
    single, double = (
        measure_block(spec(numerics={"dtype": dtype}), INPUTS, block)["ntk"] for dtype in ("float32", "float64")
    )
    assert 1e-9 < np.abs(single).max() < 1e-4
    np.testing.assert_allclose(double, single * 2.0**-29)


def test_limit_and_exact_agree() -> None:
    exact, first, second = (
        measure_block(spec(), INPUTS, Block(kind=kind, point=0, width=0, index=index))["ntk"]
        for kind, index in (("exact", 0), ("limit", 0), ("limit", 1))
    )
    assert exact.shape == first.shape == (1, 3, 3)
    assert np.abs(first - second).max() > 0
    assert np.linalg.norm(first - exact) < 0.1 * np.linalg.norm(exact)
