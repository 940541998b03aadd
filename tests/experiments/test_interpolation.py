"""Interpolation: dc/dt is a derivative, is 0 in the limit, and falls like the root of the width at every time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from acceptance import ERRORS, REPLICATES, assert_mean_is, experiment, measured, reduced

import widthwise
from widthwise.experiments.networks import preactivations
from widthwise.spaces import Estimator, FiniteSpace, KetSpace, Space

PROGRAMS = ("mlp", "tied")
LAWS = ("uniform", "rademacher")


def scalars(space: Space, program: str, law: str, times: Sequence[float]) -> np.ndarray:
    """The scalar at every time by the same random numbers as the experiment uses, (replicate, time)."""
    values = []
    for time in times:
        t = torch.full((space.replicates, 1, 1), time, dtype=space.dtype)
        z = space.vector()
        hs = preactivations(program, 3, torch.tanh, z, lambda t=t: space.interpolated(t, law=law))  # type: ignore[arg-type]
        values.append(space.avg(torch.tanh(hs[-1]) ** 2)[:, 0].detach())
    return torch.stack(values, -1).numpy()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("law", LAWS)
def test_the_rate_is_a_central_difference(program: str, law: str) -> None:
    """The same matrices a little earlier and later; times outside [0, 1] are on the circle too."""
    count, step = 5, 1e-4

    def space() -> FiniteSpace:
        return FiniteSpace(48, 4, dtype=torch.float64, matrix="dense")

    rates = measured("interpolation", space(), program=program, law=law, times=count)["rate"]
    times = np.linspace(0, 1, count)
    later, earlier = (scalars(space(), program, law, times + shift) for shift in (step, -step))
    np.testing.assert_allclose(rates, (later - earlier) / (2 * step), rtol=1e-5, atol=1e-6)
    assert np.abs(rates).max() > 0.05


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_kets_do_not_move(program: str, estimator: Estimator) -> None:
    """5 times, 5 standard errors of 32 replicates: a false alarm once in 1,600 seeds for all six."""
    space = KetSpace(1 << 13, REPLICATES, estimator=estimator)
    assert_mean_is(measured("interpolation", space, program=program, times=5)["rate"], 0.0, 8 / (1 << 13))


@pytest.mark.parametrize("program", PROGRAMS)
def test_rates_fall_like_the_root_of_the_width_at_every_time(tmp_path: Path, program: str) -> None:
    """At each of 3 times and for both laws, the root mean square over 64 trials, known to 9 %.

    Times sqrt n it stays within 5 standard errors of a difference of logarithms, and 25 % for terms in 1 / n, which is
    less than the factor of 4 that a rate that does not fall would gain. Slopes at 99 %: one of 50 seeds.
    """
    trials = 64
    spec = {
        "experiment": "interpolation",
        "options": {"program": program, "times": 3},
        "sweep": {"width": [64, 256, 1024], "trials": trials, "options.law": list(LAWS)},
        "limit": {"samples": 4096, "replicates": 4},
        "verdict": {"confidence": 0.99},
    }
    run = widthwise.open(widthwise.run(spec, tmp_path / "x.run", address="inline"))
    rates = run["trials"]["rate"]
    scaled = np.sqrt((rates**2).mean("trial") * rates["width"])
    assert scaled.sizes["time"] == 3
    bound = ERRORS * (2 / (2 * trials)) ** 0.5 + 0.25
    spread = np.abs(np.log(scaled / scaled.isel(width=-1)))
    assert (spread < bound).all(), spread.max().item()
    assert (scaled < 6).all()
    consistent = run["verdicts"]["consistent"].sel(readout="rate", metric="rms")
    assert (consistent == 1).all()


def test_at_a_fixed_width_the_rate_does_not_vanish() -> None:
    """What falls is not 0: the curves above measure something."""
    values = measured("interpolation", FiniteSpace(64, REPLICATES), program="tied", times=3)["rate"]
    assert (np.sqrt((values**2).mean(0)) > 0.1).all()


def test_on_the_way_to_an_orthogonal_matrix_the_limit_moves(tmp_path: Path) -> None:
    """A single orthogonal matrix beside its transpose has kets of its own, so that 0 is no closed form.

    5 times, 5 standard errors of kets and of 32 trials: a false alarm once in 10,000 seeds.
    """
    options = {"program": "tied", "law": "orthogonal", "times": 5}
    assert experiment("interpolation", **options).exact is None
    kets = measured("interpolation", KetSpace(1 << 13, REPLICATES), **options)["rate"]
    wide = measured("interpolation", FiniteSpace(256, REPLICATES), **options)["rate"]
    assert (kets.mean(0)[1:4] < -0.01).all()
    assert_mean_is(wide - kets, 0.0)
    curves, verdicts = reduced(
        tmp_path / "x.run",
        experiment="interpolation",
        options=options,
        sweep={"width": [64, 256], "trials": 16},
        verdict={"confidence": 0.99},
    )
    assert curves["reference"].item() == 0
    assert verdicts["consistent"].sel(readout="rate", metric="rms").item() == 1
