"""One limit for all laws of entries: from spec to verdicts, moments by Gaussian kets, eigenvalues by sight."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import widthwise

LAWS = ("gaussian", "rademacher", "uniform", "sparse(0.1)")
NAMES = ("semicircle", "marchenko_pastur")


def results(path: Path, name: str, laws: tuple[str, ...], **tables: object) -> xr.DataTree:
    spec = {
        "experiment": name,
        "options": {"orders": 6},
        "sweep": {"width": [128, 512, 1024], "trials": {128: 64, 512: 32, 1024: 16}, "options.law": list(laws)},
        "limit": {"samples": 16384, "replicates": 4},
        "verdict": {"confidence": 0.99},
    }
    return widthwise.open(widthwise.run(spec | tables, path, address="inline"))


def assert_one_limit(run: xr.DataTree) -> None:
    """Of moments and eigenvalues.

    The slopes are intervals at 99 %, so that one of 100 laws is refused by chance. Eigenvalues repel: their distance
    from the law is sqrt(log n) / n, locally a slope between -1 and -0.9, and at the largest width below half of the
    distance of independent samples. The moments of a random vector fluctuate alike whatever the law of the entries.
    """
    curves, verdicts = run["curves"].to_dataset(), run["verdicts"].to_dataset()
    assert (verdicts["consistent"].sel(readout="moment", metric="rms") != 0).all()
    moment = curves.sel(readout="moment", metric="rms")
    assert ((moment["slope_low"] <= -0.5) & (moment["slope_high"] >= -0.5)).all()
    assert (moment["value"].isel(width=-1) < 0.6 * moment["value"].isel(width=0)).all()
    assert (curves["reference"] == 1).all()
    spectrum = curves.sel(readout="spectrum", metric="w2")
    assert (spectrum["slope_low"] < -0.9).all()
    assert (spectrum["slope_high"] < -0.6).all()
    assert (spectrum["slope"] > -1.15).all()
    widest = spectrum.isel(width=-1)
    assert (widest["value"] < 0.5 * widest["sample_floor"]).all()
    scaled = spectrum["value"] * spectrum["width"]
    assert (scaled.isel(width=-1) < 1.4 * scaled.isel(width=0)).all()
    rms = moment["value"].isel(width=-1)
    # Relative errors of 16 trials are 1 / sqrt(32), somewhat more for products of many numbers: 5 of a difference.
    assert (np.abs(np.log(rms / rms.isel({"options.law": 0}))) < 5 * np.sqrt(2 / 32)).all()


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.slow)])
def test_signs_and_gaussian_entries_have_one_limit(tmp_path: Path, name: str) -> None:
    run = results(tmp_path / "x.run", name, LAWS[:2])
    assert_one_limit(run)
    check = run["verdicts"].to_dataset().sel(readout="moment")
    assert (check["limit_error"] < 5 * check["limit_error_se"] + 1e-3).all()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_every_law_has_one_limit(tmp_path: Path, name: str) -> None:
    """The limit by 2^18 samples, and four laws from 256 to 2048 coordinates."""
    sweep = {"width": [256, 512, 1024, 2048], "trials": {256: 128, 1024: 32, 2048: 16}, "options.law": list(LAWS)}
    run = results(tmp_path / "x.run", name, LAWS, sweep=sweep, limit={"samples": 1 << 18, "replicates": 8})
    assert_one_limit(run)
    assert (run["verdicts"]["limit_error"].sel(readout="moment") < 1e-3).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_estimator_has_the_same_limit(tmp_path: Path, name: str) -> None:
    limit = {"samples": 1 << 18, "replicates": 8, "estimator": "derivative"}
    run = results(tmp_path / "x.run", name, LAWS[:1], sweep={"width": [64], "trials": 2}, limit=limit)
    assert (run["verdicts"]["limit_error"].sel(readout="moment") < 1e-3).all()
