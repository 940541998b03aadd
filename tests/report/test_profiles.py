"""Profiles: a readout step by step beside its curves, in the limit and at both ends of the widths."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from widthwise.reduce import reduce
from widthwise.report import figure
from widthwise.report.panels import panels
from widthwise.report.profiles import ProfilePanel

Reduced = tuple[xr.Dataset, xr.Dataset]
WIDTHS, STEPS, TRIALS, REPLICATES = [16, 64, 256], [1, 2, 3, 4], 8, 4


def raw(
    *, points: int = 1, exact: bool = True, widths: list[int] = WIDTHS, pairs: bool = True, trials: int = TRIALS
) -> xr.DataTree:
    """A profiled readout ``gradient`` around 2^step (of ``pairs`` of inputs on the diagonal) and a plain ``nngp``."""
    random = np.random.default_rng(0)
    axes = {} if points == 1 else {"model.depth": list(range(points))}
    lead, inputs = tuple(len(values) for values in axes.values()), (2, 2) if pairs else ()
    dims = ("step", "input", "input_") if pairs else ("step",)
    limit = 2.0 ** np.array(STEPS).reshape(-1, *(1 for _ in inputs)) * (np.eye(2) + 0.5 if pairs else 1.5)
    attributes = {"profile": "step"}

    def noisy(*counts: int) -> np.ndarray:
        return limit * (1 + 0.1 * random.standard_normal((*lead, *counts, *limit.shape)))

    def plain(*counts: int) -> np.ndarray:
        return 1 + 0.1 * random.standard_normal((*lead, *counts, 1))

    groups = {
        "trials": {
            "gradient": ((*axes, "width", "trial", *dims), noisy(len(widths), TRIALS), attributes),
            "nngp": ((*axes, "width", "trial", "one"), plain(len(widths), TRIALS)),
            "trial_count": ((*axes, "width"), np.full((*lead, len(widths)), trials)),
        },
        "limit": {
            "gradient": ((*axes, "replicate", *dims), noisy(REPLICATES), attributes),
            "nngp": ((*axes, "replicate", "one"), plain(REPLICATES)),
        },
    }
    if exact:
        groups["exact"] = {"gradient": ((*axes, *dims), np.broadcast_to(limit, (*lead, *limit.shape)))}
    coordinates = {**axes, "step": STEPS}
    datasets = {name: xr.Dataset(variables, coordinates) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=widths)
    return xr.DataTree.from_dict(datasets)


def reduced(tree: xr.DataTree) -> Reduced:
    slopes = {"rms": -0.5, "bias": -1.0, "std": -0.5}
    return reduce(tree, tolerance=0.1, confidence=0.95, expected={"gradient": slopes, "nngp": slopes})


def panel_of(run: Reduced) -> ProfilePanel:
    (found,) = (panel for row in panels(*run) for panel in row if isinstance(panel, ProfilePanel))
    return found


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("pairs", [True, False])
def test_a_profile_is_the_mean_over_inputs_of_the_diagonal_with_its_standard_error(exact: bool, pairs: bool) -> None:
    tree = raw(exact=exact, pairs=pairs)
    curves = reduced(tree)[0].sel(readout="gradient")

    def by_step(values: xr.DataArray) -> np.ndarray:
        array = values.to_numpy()
        return array[..., [0, 1], [0, 1]].mean(-1) if pairs else array

    trials = by_step(tree["trials"]["gradient"])
    for reading, column in (("narrowest", 0), ("widest", -1)):
        at = curves.sel(reading=reading)
        np.testing.assert_allclose(at["profile"], trials[column].mean(0))
        np.testing.assert_allclose(at["profile_error"], trials[column].std(0, ddof=1) / TRIALS**0.5)
    replicates, at = by_step(tree["limit"]["gradient"]), curves.sel(reading="limit")
    if exact:
        np.testing.assert_allclose(at["profile"], 1.5 * 2.0 ** np.array(STEPS))
        assert (at["profile_error"] == 0).all()
    else:
        np.testing.assert_allclose(at["profile"], replicates.mean(0))
        np.testing.assert_allclose(at["profile_error"], replicates.std(0, ddof=1) / REPLICATES**0.5)


def test_a_readout_without_a_profile_has_none() -> None:
    curves, _ = reduced(raw())
    assert curves["profile"].sel(readout="nngp").isnull().all()
    assert curves["profile"].sel(readout="gradient").notnull().all()
    tree = raw()
    del tree["trials"].dataset["gradient"].attrs["profile"]
    tree["trials"] = tree["trials"].to_dataset().assign(gradient=tree["trials"]["gradient"].drop_attrs())
    assert "profile" not in reduced(tree)[0]


def test_below_the_curves_of_a_readout_stands_its_profile() -> None:
    top, bottom = panels(*reduced(raw()))
    assert [panel.title for panel in top if panel] == ["gradient", "nngp"]
    assert isinstance(bottom[0], ProfilePanel)
    assert bottom[1] is None
    assert (bottom[0].along, bottom[0].steps.tolist()) == ("step", STEPS)
    assert [(each.label, each.reading) for each in bottom[0].profiles] == [
        ("n = 16", "narrowest"),
        ("n = 256", "widest"),
        ("limit", "limit"),
    ]
    assert len({each.colour for each in bottom[0].profiles}) == 3


def test_a_sweep_has_a_colour_and_a_name_for_each_point() -> None:
    run = reduced(raw(points=3))
    assert len(panels(*run)) == 3
    panel = panel_of(run)
    assert panel.subtitle == "lines: limits, hollow: n = 16, filled: n = 256"
    assert [each.label for each in panel.profiles if each.label] == [f"depth = {depth}" for depth in range(3)]
    assert [each.colour for each in panel.profiles] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_single_width_is_shown_once() -> None:
    assert [each.reading for each in panel_of(reduced(raw(widths=[64]))).profiles] == ["widest", "limit"]


@pytest.mark.parametrize(
    "options", [{}, {"points": 3}, {"exact": False}, {"widths": [64]}, {"trials": 1}, {"trials": 0}], ids=str
)
def test_every_profile_is_drawn_and_equal_curves_give_equal_bytes(options: dict[str, object], tmp_path: Path) -> None:
    run = reduced(raw(**options))  # type: ignore[arg-type]
    for name in ("one.png", "two.png"):
        figure(*run, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
