"""Correlation: what the report says of spectra and accuracies, in words, numbers and figure."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from widthwise.errors import SpecError
from widthwise.report.correlation import Correlation, correlation
from widthwise.report.correlation_drawing import draw_correlation
from widthwise.report.correlation_words import correlation_json, correlation_line, correlation_table

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
TRIALS = 40
SWEPT = "options.learning_rate"
CAUSES = {"yes": (0.0, 1.0), "no": (1.0, 0.0), "against": (0.0, -1.0), "undetermined": (1.0, 1.0)}
"""By verdict, what the low and the high quantiles have to do with accuracy; `against` has the wrong sign."""


def trials(low: float, high: float, *, widths: tuple[int, ...] = (64, 16), count: int = TRIALS) -> xr.Dataset:
    """Quantiles between two independent normal numbers, and an accuracy that depends on both; rows not in order."""
    random = np.random.default_rng(0)
    z = random.standard_normal((1, len(widths), TRIALS, 3))
    levels = np.array(LEVELS)
    quantile = z[..., :1] * (1 - levels) + z[..., 1:2] * levels
    accuracy = 1 / (1 + np.exp(-low * z[..., 0] - high * z[..., 1] - 0.3 * z[..., 2]))
    at = (SWEPT, "width", "trial")
    return xr.Dataset(
        {
            "quantile": ((*at, "level"), quantile),
            "accuracy": (at, accuracy),
            "gain": (at, 2.0 ** z[..., 1]),
            "trial_count": (at[:2], np.full((1, len(widths)), count)),
        },
        {SWEPT: [0.1], "width": list(widths), "level": list(LEVELS)},
    )


def found(verdict: str = "yes", **options: object) -> Correlation:
    return correlation(trials(*CAUSES[verdict], **options), 0.95)  # type: ignore[arg-type]


def said(here: Correlation) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(correlation_table(here))
    return console.export_text()


def test_every_width_of_every_point_has_its_correlations() -> None:
    here = found()
    assert here.levels == LEVELS
    assert [relation.width for relation in here.relations] == [16, 64]
    raw = trials(*CAUSES["yes"]).isel({SWEPT: 0, "width": 1})
    relation = here.relations[0]
    assert relation.point == {SWEPT: 0.1}
    for place, estimate in enumerate(relation.pearson):
        expected = np.corrcoef(raw["quantile"].to_numpy()[:, place], raw["accuracy"].to_numpy())[0, 1]
        assert estimate.value == pytest.approx(expected)
    assert LEVELS[relation.strongest] > 0.5
    assert relation.gain.value > 0.8
    assert relation.fit.adjusted.value > 0.9


@pytest.mark.parametrize("verdict", CAUSES)
def test_the_verdict_of_the_claim(verdict: str) -> None:
    """Of 40 architectures with correlations 0.9 and 0.1, or 0.7 twice; the sign counts."""
    here = found(verdict)
    assert [relation.higher for relation in here.relations] == ["no" if verdict == "against" else verdict] * 2
    words = {
        "yes": "as published",
        "no": "against what is published",
        "against": "against what",
        "undetermined": "It is",
    }
    assert words[verdict] in said(here)


def test_a_gap_ends_what_counts() -> None:
    here = found(count=9)
    assert [len(relation.accuracy) for relation in here.relations] == [9, 9]
    assert here.relations[0].quantiles.shape == (9, len(LEVELS))


def test_words_and_numbers() -> None:
    here = found()
    text = said(here)
    for part in ("n = 16, learning_rate = 0.1", "40 architectures, 95 % intervals", "Spearman", "cross-validated"):
        assert part in text
    assert correlation_line(here) == "80 architectures; higher quantiles correlate most: 2 confirmed"
    assert correlation_line(found("no")).endswith("2 refuted")
    document = json.loads(json.dumps(correlation_json(here), allow_nan=False))
    one, _ = document["results"]
    assert (one["width"], one["trials"], one["point"], one["claim"]["holds"]) == (16, 40, {SWEPT: 0.1}, True)
    assert [level["level"] for level in one["levels"]] == list(LEVELS)
    high, low = one["levels"][3]["spearman"], one["levels"][1]["spearman"]
    assert high["low"] < high["value"] < high["high"]
    assert one["claim"]["difference"]["value"] == pytest.approx(abs(high["value"]) - abs(low["value"]))
    assert one["R"]["raw"] > one["R"]["adjusted"]["value"] > one["R"]["cross_validated"]["value"] > 0.9


@pytest.mark.parametrize("options", [{}, {"count": 5, "widths": (8,)}, {"count": 0, "widths": (8,)}], ids=str)
def test_every_correlation_is_drawn_said_and_equal_ones_give_equal_bytes(
    options: dict[str, object], tmp_path: Path
) -> None:
    here = found(**options)
    json.dumps(correlation_json(here), allow_nan=False)
    assert ("too few architectures" in said(here)) == ("count" in options)
    for name in ("one.svg", "two.svg"):
        draw_correlation(here, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    with pytest.raises(SpecError, match=r"plane.bmp"):
        draw_correlation(here, tmp_path / "plane.bmp")
