"""The master theorem: coordinates become independent samples of the kets, of the right program only."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from acceptance import experiment, has_slope, measured, reduced
from scipy import special, stats

import widthwise
from widthwise.experiments.coordinates import DIRECTIONS
from widthwise.reduce import reduce
from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.theory.cells import borders

SWEEP = {"width": [64, 256, 1024, 4096], "trials": {64: 64, 4096: 32}}
LIMIT = {"samples": 65536, "replicates": 4}
READOUTS = ("coordinates", "slices")


def spec(**options: object) -> dict[str, object]:
    return {
        "experiment": "master_theorem",
        "options": {"quantiles": 256} | options,
        "sweep": SWEEP,
        "limit": LIMIT,
        "verdict": {"confidence": 0.99},
    }


@pytest.mark.parametrize("program", ["mlp", "tied", "power"])
def test_laws_of_coordinates_converge_to_those_of_the_kets(tmp_path: Path, program: str) -> None:
    """At 99 %, 2 slopes and 4 bounds: a false alarm in one of 25 seeds.

    Vectors are as far from their kets as independent samples are, and somewhat further, since all coordinates of a
    later vector depend on averages of the earlier ones.
    """
    curves, _ = reduced(tmp_path / "x.run", **spec(program=program))
    for readout in READOUTS:
        law = curves.sel(readout=readout, metric="w2")
        assert has_slope(law, -0.5), (readout, law["slope_low"].item(), law["slope_high"].item())
        widest = law.isel(width=-1)
        assert widest["high"] >= widest["sample_floor"]
        assert widest["low"] <= 1.5 * widest["sample_floor"]


@pytest.mark.parametrize("law", ["rademacher", "sparse(0.1)"])
def test_the_limit_is_that_of_every_law_of_entries(tmp_path: Path, law: str) -> None:
    """The tied network at widths that a dense matrix allows; at 99 %, a false alarm in one of 50 seeds."""
    sweep = {"width": [128, 256, 512, 1024], "trials": {128: 64, 1024: 32}}
    curves, _ = reduced(tmp_path / "x.run", **(spec(program="tied", law=law) | {"sweep": sweep}))
    for readout in READOUTS:
        assert has_slope(curves.sel(readout=readout, metric="w2"), -0.5), readout


def test_kets_of_another_program_are_no_limit(tmp_path: Path) -> None:
    """Trials of the tied network against kets of an untied one: the distance stays."""
    runs = {
        program: widthwise.open(widthwise.run(spec(program=program), tmp_path / f"{program}.run", address="inline"))
        for program in ("tied", "mlp")
    }
    mixed = xr.DataTree.from_dict(
        {"trials": runs["tied"]["trials"].to_dataset(), "limit": runs["mlp"]["limit"].to_dataset()}
    )
    curves, verdicts = reduce(
        mixed, tolerance=0.01, confidence=0.99, expected={name: {"w2": -0.5} for name in READOUTS}
    )
    right = runs["tied"]["curves"].to_dataset()
    for readout in READOUTS:
        wrong = curves.sel(readout=readout, metric="w2")
        assert wrong["value"][-1] > 0.7 * wrong["value"][-2]
        assert wrong["low"][-1] > 2 * right["high"].sel(readout=readout, metric="w2")[-1]
        assert verdicts["consistent"].sel(readout=readout, metric="w2") == 0
    assert (verdicts["equivalent"] == 0).all()


def test_the_first_ket_is_gaussian() -> None:
    """h1 = W z has law N(0, 1): means of its quantile function over cells that reach into the tails."""
    values = measured("master_theorem", KetSpace(1 << 15, 8), quantiles=64)["coordinates"].mean(0)[0]
    edges = borders("tails", 64)
    cells = -np.diff(stats.norm.pdf(special.ndtri(edges))) / np.diff(edges)
    assert np.sqrt(np.diff(edges) @ (values - cells) ** 2) < 2e-3


@pytest.mark.parametrize("program", ["mlp", "tied", "power"])
def test_vectors_are_those_of_plain_matrices(program: str) -> None:
    """All preactivations and error signals by numpy; then 64 cells of sorted coordinates, and of fixed combinations."""
    n, cells = 40, 64
    space = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    values = measured("master_theorem", space, program=program, quantiles=cells)
    vectors = np.stack(by_hand(program, n))
    edges = borders("tails", cells)
    expected = np.stack([quantile_means(vector, edges) for vector in vectors])
    np.testing.assert_allclose(values["coordinates"][0], expected, atol=1e-10)
    # Directions are unit vectors: the second moments of all slices are within those of the vectors' Gram matrix.
    largest = np.linalg.eigvalsh(vectors @ vectors.T / n)[-1]
    energies = values["slices"][0] ** 2 @ np.diff(edges)
    assert energies.shape == (DIRECTIONS,)
    assert (energies > 0).all()
    assert (energies < largest).all()


def by_hand(program: str, n: int) -> list[np.ndarray]:
    """h1, h2, h3, and n times the gradients of avg(v tanh(h3)) with respect to them."""
    draws = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    z = draws.vector()[0, 0].numpy()
    count = 3 if program == "mlp" else 1
    w = [draws.entries(draws.matrix())[0].numpy() for _ in range(count)]
    v = draws.vector()[0, 0].numpy()
    layers = w if program == "mlp" else [(w[0] + w[0].T) / np.sqrt(2)] * 3
    phi, slope = (np.tanh, lambda h: 1 - np.tanh(h) ** 2) if program != "power" else (np.array, np.ones_like)
    h1 = layers[0] @ z
    h2 = layers[1] @ phi(h1)
    h3 = layers[2] @ phi(h2)
    dh3 = v * (1 - np.tanh(h3) ** 2)
    dh2 = slope(h2) * (layers[2].T @ dh3)
    dh1 = slope(h1) * (layers[1].T @ dh2)
    return [h1, h2, h3, dh1, dh2, dh3]


def quantile_means(vector: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Means over cells of a step function, by its integral."""
    integral = np.append(0.0, np.cumsum(np.sort(vector))) / len(vector)
    at_edges = np.interp(edges, np.arange(len(vector) + 1) / len(vector), integral)
    return np.diff(at_edges) / np.diff(edges)


def test_directions_are_fixed() -> None:
    """Two runs of one seed, and a pair of different programs with equal numbers of vectors, share them."""
    one, other = (measured("master_theorem", FiniteSpace(32, 1), quantiles=64)["slices"] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    (coordinates, slices) = experiment("master_theorem", depth=2, quantiles=64).readouts
    assert coordinates.coords["vector"] == ("h1", "h2", "dh1", "dh2")
    assert slices.shape == (DIRECTIONS, 64)
