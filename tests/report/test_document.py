"""The JSON document is complete, valid and stable."""

import json

import numpy as np
import xarray as xr

from widthwise.report import to_json

Reduced = tuple[xr.Dataset, xr.Dataset]

KEYS = {
    "point",
    "readout",
    "limit",
    "replicates",
    "widths",
    "slopes",
    "equivalent",
    "extrapolated",
    "error_budget",
    "limit_error",
}


def test_every_run_is_valid_json(any_run: Reduced) -> None:
    document = to_json(*any_run)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_keys_are_the_documented_ones(any_run: Reduced) -> None:
    document = to_json(*any_run)
    assert set(document) == {"confidence", "tolerance", "results"}
    for result in document["results"]:
        assert set(result) == KEYS
        assert set(result["widths"][0]) == {"width", "trials", "rms", "bias", "std"}
        assert set(result["widths"][0]["rms"]) == {"value", "low", "high", "noise_floor"}
        assert set(result["slopes"]["rms"]) == {
            "slope",
            "low",
            "high",
            "expected",
            "prefactor",
            "correction",
            "consistent",
        }
        assert set(result["error_budget"]) == {"width_bias", "trial_noise", "limit_noise", "arithmetic", "dominant"}


def test_numbers_are_those_of_the_datasets(swept_run: Reduced) -> None:
    curves, verdicts = swept_run
    for result in to_json(curves, verdicts)["results"]:
        at = curves.sel(result["point"] | {"readout": result["readout"]})
        judged = verdicts.sel(result["point"] | {"readout": result["readout"]})
        values = [width["rms"]["value"] for width in result["widths"]]
        np.testing.assert_array_equal(values, at["value"].sel(metric="rms"))
        assert result["slopes"]["rms"]["slope"] == at["slope"].sel(metric="rms").item()
        assert result["limit"] == "sampled"
        codes = {-1: None, 0: False, 1: True}
        assert result["equivalent"] is codes[judged["equivalent"].item()]
        assert result["slopes"]["std"]["consistent"] is codes[judged["consistent"].sel(metric="std").item()]


def test_a_point_stands_in_the_order_of_the_sweep(swept_run: Reduced) -> None:
    results = to_json(*swept_run)["results"]
    assert [result["point"]["model.depth"] for result in results[:4]] == [1, 1, 2, 2]
    assert [result["readout"] for result in results[:2]] == ["nngp", "ntk"]
