"""Transfer: best learning rates by width out of a sweep, their verdict, words, numbers and figure."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import widthwise
from widthwise.errors import SpecError
from widthwise.report.transfer import RATE, Transfer, has_transfer, learns_features, transfer
from widthwise.report.transfer_drawing import draw_transfer
from widthwise.report.transfer_words import transfer_json, transfer_line, transfer_table
from widthwise.store import open_run

WIDTHS, RATES, TRIALS = [256, 64, 128, 512], [2.0**power for power in (0, -6, -4, -2, 2, -8)], 6
PRESETS = ["mup", "sp"]
PRESET = "parametrization.preset"
SPEC = widthwise.Spec(experiment="lr_transfer").model_dump(mode="json")


def trials(*, powers: tuple[float, ...] = (0.0, -1.0), count: int = TRIALS) -> xr.Dataset:
    """A loss least at ``2^-3 (n / 128)^power``, one power a preset; parabolas in the logarithm; rows not in order."""
    random = np.random.default_rng(0)
    rates, widths = np.log2(RATES)[:, None, None], np.log2(WIDTHS)[:, None] - 7
    place = np.array(powers)[:, None, None, None] * widths - 3 + 0.05 * random.standard_normal((len(WIDTHS), TRIALS))
    loss = 2.0 ** (np.square(rates - place) / 4 - 2)
    shape = (len(powers), len(RATES), len(WIDTHS))
    return xr.Dataset(
        {
            "loss": ((PRESET, RATE, "width", "trial", "step"), np.stack([np.ones_like(loss), loss], -1)),
            "trial_count": ((PRESET, RATE, "width"), np.full(shape, count)),
        },
        {PRESET: PRESETS[: len(powers)], RATE: RATES, "width": WIDTHS},
    )


def found(**options: object) -> Transfer:
    return transfer(SPEC, trials(**options), 0.95)  # type: ignore[arg-type]


def test_best_rates_and_drifts_are_found() -> None:
    """Noise 0.05 / sqrt(6) of every optimum; five times that, and of the drift over 3 octaves less."""
    here = found()
    assert (here.widths.tolist(), here.rates.tolist()) == (sorted(WIDTHS), sorted(RATES))
    for losses, power in zip(here.points, (0.0, -1.0), strict=True):
        rates = [best.rate for best in losses.optima]
        np.testing.assert_allclose(rates, -3 + power * np.arange(-1, 3), atol=0.11)
        np.testing.assert_allclose([best.loss for best in losses.optima], -2, atol=0.02)
        assert losses.drift.slope == pytest.approx(power, abs=0.1)
        assert losses.drift.low < power < losses.drift.high


def test_means_are_geometric_with_standard_errors_of_logarithms() -> None:
    here, loss = found(), trials().isel({PRESET: 1, "step": -1}).sortby([RATE, "width"])["loss"]
    raw = loss.transpose("width", RATE, "trial")
    logs = np.log(raw.to_numpy())
    np.testing.assert_allclose(here.points[1].means, np.exp(logs.mean(-1)))
    np.testing.assert_allclose(here.points[1].errors, logs.std(-1, ddof=1) / TRIALS**0.5)


@pytest.mark.parametrize(
    ("power", "stays"), [(0.0, "yes"), (0.1, "yes"), (-0.25, "undetermined"), (0.5, "no"), (-1.0, "no")]
)
def test_the_verdict_of_a_drift_where_features_are_learnt(power: float, stays: str) -> None:
    here = found(powers=(power, power))
    assert [losses.stays for losses in here.points] == [stays, None]


def test_a_loss_of_0_and_rates_at_an_end_are_no_trouble() -> None:
    """The largest rate is best for two widths: two are left, too few for a drift."""
    raw = trials()
    raw["loss"].loc[{RATE: 4.0, "width": [256, 512], PRESET: "mup"}] = 0.0
    losses = transfer(SPEC, raw, 0.95).points[0]
    assert [np.isfinite(best.rate) for best in losses.optima] == [True, True, False, False]
    assert np.isnan(losses.drift.slope)
    assert losses.stays == "undetermined"


def test_only_complete_trials_count() -> None:
    raw = trials()
    raw["loss"].to_numpy()[..., 2:, :] = np.nan
    raw["trial_count"].to_numpy()[:] = 2
    raw["trial_count"].loc[{RATE: 1.0, "width": 64}] = 0
    losses = transfer(SPEC, raw, 0.95).points[0]
    assert [best.trials for best in losses.optima] == [0, 2, 2, 2]
    assert np.isnan(losses.means).sum() == 1


@pytest.mark.parametrize(
    ("table", "learns"),
    [
        ({"preset": "mup"}, True),
        ({"preset": "ntp"}, False),
        ({"preset": "sp"}, False),
        ({"preset": "uniform", "s": "1/4"}, False),
        ({"a": [0, 0, 1], "b": [0, "1/2", 0], "c": [0, 1, 0], "d": [1, 1, 1]}, True),
        ({"a": [0, 0, 0, 1], "b": [0, "1/2", "1/2", 0], "c": [0, 1, 1, 0], "d": [1, 1, 1, 1]}, True),
        ({"a": [0, 0, 1], "b": [0, "1/2", 0], "c": ["1/2", "3/2", 0], "d": [1, 1, 1]}, False),
    ],
    ids=str,
)
def test_which_parametrizations_learn_features(table: dict[str, object], learns: bool) -> None:
    spec = widthwise.Spec(experiment="lr_transfer", parametrization=table, optimizer={"name": "adam"})
    assert learns_features(spec.model_dump(mode="json"), {}) == learns


def test_swept_values_count() -> None:
    assert learns_features(SPEC, {})
    assert not learns_features(SPEC, {PRESET: "ntp", "model.depth": 2})
    assert learns_features({**SPEC, "optimizer": {"name": "of somebody"}}, {"parametrization.rate.output": 2.0})


def test_words_and_numbers() -> None:
    here = found()
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(transfer_table(here))
    text = console.export_text()
    for words in ("preset = mup", "it stays, as expected", "nothing is expected of it", "512"):
        assert words in text
    assert transfer_line(here).endswith("where features are learnt: 1 stay")
    assert transfer_line(found(powers=(-1.0, -1.0))).endswith("1 drift")
    document = json.loads(json.dumps(transfer_json(here), allow_nan=False))
    mup, sp = document["results"]
    assert mup["point"] == {PRESET: "mup"}
    assert (mup["drift"]["expected"], mup["drift"]["consistent"]) == (0.0, True)
    assert (sp["drift"]["expected"], sp["drift"]["consistent"]) == (None, None)
    assert sp["drift"]["slope"] == pytest.approx(-1, abs=0.1)
    assert [width["width"] for width in mup["widths"]] == sorted(WIDTHS)
    assert mup["widths"][0]["best_rate"] == pytest.approx(1 / 8, rel=0.08)


@pytest.mark.parametrize("options", [{}, {"powers": (0.0,)}, {"count": 1}, {"count": 0}], ids=str)
def test_every_transfer_is_drawn_said_and_equal_ones_give_equal_bytes(
    options: dict[str, object], tmp_path: Path
) -> None:
    here = found(**options)
    json.dumps(transfer_json(here), allow_nan=False)
    transfer_table(here)
    for name in ("one.png", "two.png"):
        draw_transfer(here, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with pytest.raises(SpecError, match=r"curves.bmp"):
        draw_transfer(here, tmp_path / "curves.bmp")


def run_of(path: Path, rates: list[float], experiment: str = "lr_transfer") -> Path:
    spec = {
        "experiment": experiment,
        "model": {"depth": 1},
        "data": {"count": 2},
        "training": {"steps": 1},
        "sweep": {"width": [8], "trials": 2, RATE: rates},
        "numerics": {"microbatch": 2},
    }
    return widthwise.run(spec, path, address="inline")


def test_a_sweep_over_three_learning_rates_is_one(tmp_path: Path) -> None:
    assert has_transfer(open_run(run_of(tmp_path / "three.run", [0.1, 1.0, 10.0])))
    assert not has_transfer(open_run(run_of(tmp_path / "two.run", [0.1, 1.0])))
    assert not has_transfer(open_run(run_of(tmp_path / "other.run", [0.1, 1.0, 10.0], "coordinate_check")))
