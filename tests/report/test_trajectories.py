"""Trajectories: outputs step by step, the limit as a line among bands of two widths."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from widthwise.errors import SpecError
from widthwise.report.trajectories import MOST_INPUTS, MOST_POINTS, Trajectories, trajectories
from widthwise.report.trajectory_drawing import draw_trajectories

WIDTHS, TRIALS, REPLICATES, STEPS, INPUTS = [256, 16, 64], 8, 3, 5, 7


def raw(
    *, points: int = 2, outputs: int = 0, exact: bool = False, trials: int = TRIALS, axis: str = "model.depth"
) -> xr.DataTree:
    """Outputs around ``input * step`` with deviation n^-1/2; of several outputs the first is that, all others 100."""
    random = np.random.default_rng(0)
    axes = {axis: list(range(1, points + 1))} if points > 1 else {}
    lead = tuple(len(values) for values in axes.values())
    dims = ("step", "input", "component") if outputs else ("step", "input")
    limit = np.arange(STEPS)[:, None] * np.arange(INPUTS).astype(float)
    if outputs:
        limit = np.concatenate([limit[..., None], np.full((STEPS, INPUTS, outputs - 1), 100.0)], -1)
    deviation = np.array(WIDTHS).reshape(-1, 1, *(1 for _ in limit.shape)) ** -0.5
    noise = random.standard_normal((*lead, len(WIDTHS), TRIALS, *limit.shape))
    sampled = limit + 1e-3 * random.standard_normal((*lead, REPLICATES, *limit.shape))
    coordinates = {**axes, "step": np.arange(STEPS)}
    groups = {
        "trials": {
            "output": ((*axes, "width", "trial", *dims), limit + deviation * noise),
            "trial_count": ((*axes, "width"), np.full((*lead, len(WIDTHS)), trials)),
        },
        "limit": {"output": ((*axes, "replicate", *dims), sampled)},
    }
    if exact:
        groups["exact"] = {"output": ((*axes, *dims), np.broadcast_to(limit, (*lead, *limit.shape)))}
    datasets = {name: xr.Dataset(variables, coordinates) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=WIDTHS)
    return xr.DataTree.from_dict(datasets)


def found(tree: xr.DataTree, train: int | None = 5) -> Trajectories:
    return trajectories({"training": {"train": train}}, tree)


def test_means_and_deviations_are_those_of_the_ends_of_the_widths() -> None:
    tree = raw()
    here = found(tree)
    assert (here.widths, here.tested, here.steps.tolist()) == ((16, 256), True, list(range(STEPS)))
    assert [panel.title for panel in here.panels] == ["depth = 1", "depth = 2"]
    for place, panel in enumerate(here.panels):
        outputs = tree["trials"]["output"].isel({"model.depth": place, "input": slice(5, None)})
        for width, side in ((16, panel.narrow), (256, panel.wide)):
            at = outputs.sel(width=width).transpose("trial", "input", "step")
            np.testing.assert_allclose(side.mean, at.mean("trial"))
            np.testing.assert_allclose(side.deviation, at.std("trial", ddof=1))
        replicates = tree["limit"]["output"].isel({"model.depth": place, "input": slice(5, None)})
        np.testing.assert_allclose(panel.limit.mean, replicates.mean("replicate").transpose("input", "step"))


def test_an_exact_limit_comes_first() -> None:
    (panel,) = found(raw(points=1, exact=True)).panels
    np.testing.assert_array_equal(panel.limit.mean, np.outer([5, 6], np.arange(STEPS)))


def test_test_inputs_are_shown_a_few_at_most_else_those_trained_on() -> None:
    """Their limits at step 1 are their indices."""
    for train, shown, tested in (
        (1, [1, 2, 3, 4], True),
        (6, [6], True),
        (7, [0, 1, 2, 3], False),
        (None, None, False),
    ):
        here = found(raw(points=1, exact=True), train)
        assert here.tested == tested
        assert here.panels[0].limit.mean[:, 1].tolist() == (shown or list(range(MOST_INPUTS)))


def test_how_many_are_trained_on_may_be_swept() -> None:
    here = found(raw(axis="training.train", points=3), None)
    assert here.tested
    np.testing.assert_allclose(here.panels[0].limit.mean[:, 1], [3, 4, 5, 6], atol=0.01)


def test_of_several_outputs_the_first_is_shown() -> None:
    (panel,) = found(raw(points=1, outputs=3, exact=True)).panels
    np.testing.assert_array_equal(panel.limit.mean, np.outer([5, 6], np.arange(STEPS)))
    assert panel.wide.mean.max() < 50


def test_only_what_is_complete_counts() -> None:
    tree = raw(points=1)
    tree["trials"]["trial_count"].to_numpy()[:] = [0, 3, 5]  # of widths 256, 16 and 64
    here = found(tree)
    assert here.widths == (16, 64)
    outputs = (
        tree["trials"]["output"].isel(input=slice(5, None)).transpose("width", "trial", "input", "step").to_numpy()
    )
    np.testing.assert_allclose(here.panels[0].narrow.mean, outputs[1, :3].mean(0))
    np.testing.assert_allclose(here.panels[0].wide.mean, outputs[2, :5].mean(0))
    nothing = found(raw(points=1, trials=0))
    assert nothing.widths == (16, 256)
    assert np.isnan(nothing.panels[0].wide.mean).all()


def test_a_long_sweep_shows_its_first_points() -> None:
    here = found(raw(points=MOST_POINTS + 1))
    assert (here.points, len(here.panels)) == (MOST_POINTS + 1, MOST_POINTS)


@pytest.mark.parametrize(
    "options", [{}, {"points": 1}, {"points": 3}, {"outputs": 2}, {"trials": 1}, {"trials": 0}], ids=str
)
def test_every_run_is_drawn_and_equal_ones_give_equal_bytes(options: dict[str, int], tmp_path: Path) -> None:
    here = found(raw(**options))  # type: ignore[arg-type]
    for name in ("one.png", "two.png"):
        draw_trajectories(here, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"curves.bmp"):
        draw_trajectories(found(raw()), tmp_path / "curves.bmp")
