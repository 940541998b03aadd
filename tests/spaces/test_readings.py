"""Every program of the language, read at width n and in the limit by two unrelated estimators, has one meaning."""

from collections.abc import Mapping
from functools import cache

import pytest
import torch
from language_programs import PROGRAMS
from spread import assert_mean_is, assert_means_agree
from torch import Tensor

from widthwise.spaces import Estimator, FiniteSpace, KetSpace

REPLICATES = 32

SAMPLES = {"with_outer": 1 << 11}
WIDTH = {"with_outer": 64, "laws": 1000, "moving": 1000}

CATALAN = [1.0, 2.0, 5.0, 14.0, 42.0, 132.0, 429.0]

EXACT: Mapping[str, Mapping[str, list[float]]] = {
    "semicircle": {"moments": [moment for catalan in CATALAN for moment in (0.0, catalan)]},
    "marchenko_pastur 1/2": {"moments": [1.0, 1.5, 2.75, 5.625, 12.3125, 28.21875]},
    "marchenko_pastur 1": {"moments": [1.0, 2.0, 5.0, 14.0, 42.0, 132.0]},
    "marchenko_pastur 2": {"moments": [1.0, 3.0, 11.0, 45.0, 197.0, 903.0]},
    "gradient_independence": {"tied": [2.0], "copy": [0.0]},
}
"""TP3: Catalan numbers, and sums of ratio**r Narayana(k, r + 1); TP0 section 6."""


@cache
def limit(name: str, estimator: Estimator) -> Mapping[str, Tensor]:
    readouts = PROGRAMS[name](KetSpace(SAMPLES.get(name, 1 << 14), REPLICATES, estimator=estimator))
    return {readout: value.detach() for readout, value in readouts.items()}


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"orthogonal"}))
def test_the_definition_of_the_dot_gives_the_sampled_limit(name: str) -> None:
    """Two estimators with errors of their own; 150 numbers, 5 standard errors: a false alarm once in 300 seeds."""
    by_definition = limit(name, "derivative")
    for readout, values in limit(name, "rqmc").items():
        assert_means_agree(by_definition[readout], values)


@pytest.mark.parametrize("name", PROGRAMS)
def test_wide_networks_have_the_sampled_limit(name: str) -> None:
    """Their bias, of order 1 / n, is below the error of 32 trials, of order 1 / sqrt(32 n): same false-alarm rate."""
    network = PROGRAMS[name](FiniteSpace(WIDTH.get(name, 4096), REPLICATES, seed=1))
    for readout, values in limit(name, "rqmc").items():
        assert_means_agree(network[readout], values)


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
@pytest.mark.parametrize("name", EXACT)
def test_known_limits(name: str, estimator: Estimator) -> None:
    """40 numbers for each estimator, 5 standard errors of 32 replicates: a false alarm once in 400 seeds."""
    for readout, exact in EXACT[name].items():
        values = limit(name, estimator)[readout].double().flatten(1)
        assert_mean_is(values, torch.tensor(exact))
        if estimator != "mc":
            assert (values.mean(0) - torch.tensor(exact)).abs().max() < 1e-4 * (1 + max(exact))
