"""Synthetic runs whose true distances from the limit are known."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from widthwise.reduce.samples import Samples

SIZE = 4
CELLS = 16
SPREAD = 2.0
EXPECTED = {"kernel": {"rms": -0.5, "bias": -1.0, "std": -0.5, "w2": -0.5}}


def draws(random: np.random.Generator, law: str, shape: tuple[int, ...]) -> np.ndarray:
    """Centred numbers of unit variance; the exponential ones have skewness 2 and excess kurtosis 6."""
    return random.standard_normal(shape) if law == "normal" else random.exponential(size=shape) - 1.0


def synthetic(
    random: np.random.Generator,
    *,
    widths: Sequence[int],
    counts: Sequence[int],
    law: str = "normal",
    bias: float = 0.0,
    offset: float = 0.0,
    replicates: int = 0,
    limit_error: float = 0.0,
) -> Samples:
    """Trials ``q + offset + bias / n + SPREAD / sqrt(n) * noise`` of a readout with |q| = 1, each relative to |q|.

    The limit is exact, or sampled with standard error ``limit_error / sqrt(replicates)`` if there are replicates.
    """
    limit = np.full(SIZE, SIZE**-0.5)
    direction = np.array([1.0, -1.0, 1.0, -1.0]) / 2
    trials = tuple(
        limit + direction * (offset + bias / width) + draws(random, law, (count, SIZE)) * SPREAD / np.sqrt(SIZE * width)
        for width, count in zip(widths, counts, strict=True)
    )
    return Samples(
        widths=np.array(widths, dtype=np.float64),
        trials=trials,
        limit=limit + limit_error / np.sqrt(SIZE) * random.standard_normal((replicates, SIZE)),
        exact=None if replicates else limit,
        arithmetic=None,
    )


def synthetic_law(
    random: np.random.Generator,
    *,
    widths: Sequence[int],
    counts: Sequence[int],
    bias: float = 0.0,
    replicates: int = 0,
    limit_error: float = 0.0,
    scale: float | None = None,
) -> Samples:
    """Two uniform laws with root mean square 1 whose trials are shifted and stretched by independent normals.

    The mean square distance W2 at width n is SPREAD^2 / n + (bias / n)^2: half of it shift, half of it stretch.
    """
    law = np.sqrt(3) * ((2 * np.arange(CELLS) + 1) / CELLS - 1)
    law /= np.sqrt(np.square(law).mean())
    moved = np.stack([np.ones(CELLS), law]) / np.sqrt(2)

    def rows(count: int, spread: float) -> np.ndarray:
        return (law + spread * random.standard_normal((count, 2, 2)) @ moved).reshape(count, 2 * CELLS)

    limit = np.tile(law, 2)
    trials = (rows(count, SPREAD / np.sqrt(width)) + bias / width for width, count in zip(widths, counts, strict=True))
    return Samples(
        widths=np.array(widths, dtype=np.float64),
        trials=tuple(trials),
        limit=rows(replicates, limit_error),
        exact=None if replicates else limit,
        arithmetic=None,
        cells=CELLS,
        scale=scale,
    )


def tree_of(samples: Samples, *, axes: Mapping[str, Sequence[object]] | None = None) -> xr.DataTree:
    """The samples as the store presents them, repeated at every point of ``axes``, padded with NaN."""
    axes = axes or {}
    most = max(len(rows) for rows in samples.trials)
    inputs = ("vector", "cell") if samples.cells else ("input",)
    size = samples.limit.shape[1]
    values = np.full((len(samples.widths), most, size), np.nan)
    for row, rows in zip(values, samples.trials, strict=True):
        row[: len(rows)] = rows
    counts = np.array([len(rows) for rows in samples.trials])
    coordinates = {axis: list(keys) for axis, keys in axes.items()}
    shape = tuple(len(keys) for keys in coordinates.values())

    def dataset(dims: tuple[str, ...], array: np.ndarray, **more: object) -> xr.Dataset:
        array = array.reshape(
            *array.shape[:-1], *((size // samples.cells, samples.cells) if samples.cells else (size,))
        )
        full = np.broadcast_to(array, (*shape, *array.shape)).copy()
        attributes = {"law": "even"} if samples.cells else {}
        attributes |= {} if samples.scale is None else {"scale": samples.scale}
        return xr.Dataset({"kernel": ((*axes, *dims, *inputs), full, attributes), **more}, coordinates)

    count = ((*axes, "width"), np.broadcast_to(counts, (*shape, len(counts))).copy())
    groups = {
        "trials": dataset(("width", "trial"), values, trial_count=count).assign_coords(
            width=samples.widths.astype(np.int64)
        ),
        "limit": dataset(("replicate",), samples.limit),
        "arithmetic": dataset((), np.full(size, 1e-7)),
    }
    if samples.exact is not None:
        groups["exact"] = dataset((), samples.exact)
    return xr.DataTree.from_dict(groups)
