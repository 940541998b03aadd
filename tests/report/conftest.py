"""Reduced synthetic runs that every test of the reports reads."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import xarray as xr

from widthwise.reduce import reduce

Reduced = tuple[xr.Dataset, xr.Dataset]
SHAPE = (3, 3)


def reduced_run(
    *,
    widths: Sequence[int] = tuple(4**power for power in range(3, 11)),
    trials: int = 16,
    axes: Mapping[str, Sequence[object]] | None = None,
    exact: bool = True,
    bias: float = 20.0,
) -> Reduced:
    """Curves and verdicts of the readouts ``nngp`` and ``ntk`` with known rms slope -1/2."""
    random = np.random.default_rng(0)
    coordinates = {axis: list(values) for axis, values in (axes or {}).items()}
    shape = tuple(len(values) for values in coordinates.values())
    scale = np.array(widths, dtype=float)[:, None, None, None]
    groups: dict[str, dict[str, object]] = {"trials": {}, "limit": {}, "exact": {}, "arithmetic": {}}
    inputs = ("input", "input_")
    for name in ("nngp", "ntk"):
        noise = random.standard_normal((*shape, len(widths), trials, *SHAPE))
        groups["trials"][name] = (
            (*coordinates, "width", "trial", *inputs),
            1.0 + 2 * noise / np.sqrt(scale) + bias / scale,
        )
        limit = 1.0 + 1e-3 * random.standard_normal((*shape, 8, *SHAPE))
        groups["limit"][name] = ((*coordinates, "replicate", *inputs), limit)
        groups["exact"][name] = ((*coordinates, *inputs), np.ones((*shape, *SHAPE)))
        groups["arithmetic"][name] = ((*coordinates, *inputs), np.full((*shape, *SHAPE), 1e-7))
    groups["trials"]["trial_count"] = ((*coordinates, "width"), np.full((*shape, len(widths)), trials))
    if not exact:
        del groups["exact"]
    datasets = {name: xr.Dataset(variables, coordinates) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=list(widths))
    slopes = {"rms": -0.5, "bias": -1.0, "std": -0.5}
    tree = xr.DataTree.from_dict(datasets)
    return reduce(tree, tolerance=0.01, confidence=0.95, expected={"nngp": slopes, "ntk": slopes})


CASES: dict[str, dict[str, object]] = {
    "exact": {},
    "sampled": {"exact": False},
    "two points": {"axes": {"model.activation": ["erf", "relu"]}},
    "six points": {"axes": {"model.activation": ["erf", "relu", "tanh"], "model.depth": [1, 2]}, "exact": False},
    "three widths": {"widths": (64, 128, 300), "trials": 4},
    "one width": {"widths": (64,)},
    "one trial": {"trials": 1},
    "nothing": {"trials": 0},
}


@pytest.fixture(params=CASES, scope="session")
def any_run(request: pytest.FixtureRequest) -> Reduced:
    """Each of the cases a report must cope with."""
    return reduced_run(**CASES[request.param])


@pytest.fixture(scope="session")
def plain_run() -> Reduced:
    """Eight widths, exact limit, no sweep."""
    return reduced_run()


@pytest.fixture(scope="session")
def swept_run() -> Reduced:
    """Six points, sampled limit."""
    return reduced_run(**CASES["six points"])
