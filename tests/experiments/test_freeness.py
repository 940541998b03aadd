"""Free independence: centred words vanish for diagonals of the program's vectors, and for nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, exact_limit, experiment, measured, reduced

from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.theory import marchenko_pastur_expectation

A, B = np.polynomial.Polynomial([-1, 1]), np.polynomial.Polynomial([-2, 0, 1])
OUTSIDER = np.array([marchenko_pastur_expectation(1.0, word.coef) for word in (A**2, A**4, B * A**3, A**6)] + [1.0])
"""The words ``A D``, ``A D A D``, ``B D A E`` and ``A D A E A D`` with A for D and E: moments of W^T W alone.

``A D C F`` becomes ``A A C C``. W is R-diagonal, so that W^T W and W W^T are free: the product of two variances of 1.
"""

OPTIONS = [{}, {"law": "rademacher", "activation": "relu"}, {"law": "sparse(0.1)"}]


def test_the_letters_are_centred() -> None:
    assert marchenko_pastur_expectation(1.0, A.coef) == marchenko_pastur_expectation(1.0, B.coef) == 0
    np.testing.assert_array_equal(OUTSIDER, [1, 3, 11, 15, 1])


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_limit_is_free_and_the_outsider_is_not(activation: str, estimator: str) -> None:
    """10 numbers for each estimator, 5 standard errors of 32 replicates: a false alarm once in 5,000 seeds."""
    space = KetSpace(1 << 12, REPLICATES, estimator=estimator)  # type: ignore[arg-type]
    values = measured("free_independence", space, activation=activation)
    assert_mean_is(values["moment"], 0.0, 8 / (1 << 12))
    assert_mean_is(values["outsider"], OUTSIDER, 8 / (1 << 12))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_words_vanish_at_least_like_the_root_of_the_width(tmp_path: Path, options: dict[str, str]) -> None:
    """Slopes at 99 %: -1/2 or below, a false alarm once in 200 seeds; widths below 256 decay faster for sparse laws."""
    curves, _ = reduced(
        tmp_path / "x.run",
        experiment="free_independence",
        options=options,
        sweep={"width": [128, 512, 2048], "trials": {128: 64, 512: 32, 2048: 16}},
        verdict={"confidence": 0.99},
    )
    moment = curves.sel(readout="moment", metric="rms")
    assert moment["slope_low"] <= -0.5
    assert moment["slope_high"] < -0.25
    assert moment["value"][-1] < 0.05
    assert moment["reference"].item() == 1  # exact
    outsider = curves.sel(readout="outsider", metric="rms")
    assert outsider["slope_low"] <= -0.5
    assert outsider["reference"].item() == 0  # sampled
    # Relative to a norm of 19, with 5 standard errors and a bias of order 1 / n.
    assert (outsider["value"][-1] < 0.3).item()


def test_words_are_the_traces_of_matrices() -> None:
    """Every letter as a matrix of numbers; v^T M v / n in place of applications from right to left."""
    n = 24
    space = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    values = measured("free_independence", space)
    draws = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    w = draws.entries(draws.matrix())[0].numpy()
    x, v = (draws.vector()[0, 0].numpy() for _ in range(2))
    one = np.eye(n)
    e = np.tanh(w @ x)
    d = np.tanh(w.T @ e)
    square = w.T @ w
    letters = {"A": square - one, "B": square @ square - 2 * one, "C": w @ w.T - one}
    letters |= {name: np.diag(u - u.mean()) for name, u in (("D", d), ("E", e), ("F", d * e))}
    words = ("A D", "A D A D", "B D A E", "A D A E A D", "A D C F")
    outsiders = letters | {"D": letters["A"], "E": letters["A"], "F": letters["C"]}
    for readout, known in (("moment", letters), ("outsider", outsiders)):
        products = [np.linalg.multi_dot([known[letter] for letter in word.split()]) for word in words]
        np.testing.assert_allclose(values[readout][0], [v @ product @ v / n for product in products], rtol=1e-10)


def test_the_orthogonal_law_has_no_closed_form_here() -> None:
    assert experiment("free_independence", law="orthogonal").exact is None
    assert np.isnan(exact_limit("free_independence")["outsider"]).all()
