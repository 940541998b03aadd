"""Global mean pooling breaks gradient independence, and the kets know it."""

from pathlib import Path

import numpy as np
import pytest
from acceptance import REPLICATES, assert_mean_is, exact_limit, has_slope, measured, reduced

from widthwise.spaces import FiniteSpace, KetSpace

CURVATURE = {"relu": (2 * np.pi) ** -0.5, "gelu": np.pi**-0.5 * 0.75, "tanh": 0.0, "cos": -np.exp(-0.5)}
r"""E[phi''(g)]: a point mass of relu; of gelu, phi'' = (2 - x^2) pdf(x), whose mean is 3 / (4 sqrt pi); -E[cos]."""


@pytest.mark.parametrize("activation", CURVATURE)
def test_the_closed_form(activation: str) -> None:
    exact = exact_limit("mean_pooling", activation=activation)
    square = exact["with_transpose"] - exact["with_copy"]
    assert square == pytest.approx(CURVATURE[activation] ** 2, abs=1e-9)


@pytest.mark.parametrize(
    ("reading", "activation"),
    [
        *((reading, activation) for reading in ("rqmc", "finite") for activation in ("relu", "gelu", "tanh")),
        *(("derivative", activation) for activation in ("gelu", "tanh")),
    ],
)
def test_the_kets_and_wide_networks_get_it_right(reading: str, activation: str) -> None:
    """16 numbers, 5 standard errors: a false alarm once in 3,000; the bias of width 2,048 is below the error."""
    space = FiniteSpace(2048, REPLICATES) if reading == "finite" else KetSpace(1 << 13, REPLICATES, estimator=reading)  # type: ignore[arg-type]
    exact = exact_limit("mean_pooling", activation=activation)
    values = measured("mean_pooling", space, activation=activation)
    for name, limit in exact.items():
        assert_mean_is(values[name], limit)
    if activation != "tanh":
        far = np.abs(values["with_copy"].mean() - exact["with_transpose"])
        assert far > 10 * values["with_copy"].std(ddof=1) / REPLICATES**0.5


def test_both_converge_like_the_root_of_the_width(tmp_path: Path) -> None:
    curves, _ = reduced(
        tmp_path / "mean.run", experiment="mean_pooling", sweep={"width": [64, 256, 1024], "trials": 64}
    )
    for name in ("with_transpose", "with_copy"):
        assert has_slope(curves.sel(readout=name, metric="rms"), -0.5)
