"""Estimates: squared distances from the limit at each width, and how they change when a replicate is left out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from widthwise.reduce.jackknife import log_changes
from widthwise.reduce.moments import Moments, exactly, inverse_directions, moments, moments_without_one
from widthwise.reduce.noise import Noise
from widthwise.reduce.samples import Array, Kind, Samples

METRICS = ("rms", "bias", "std", "w2")


METRICS_OF: Mapping[Kind, tuple[str, ...]] = {"array": ("rms", "bias", "std"), "law": ("w2",), "size": ("rms",)}
"""The metrics that a readout has, first the one that measures all of the distance."""


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Everything the curves and verdicts of one readout are computed from; ``metric`` is in the order of METRICS.

    Attributes:
        widths: (width,).
        trials: mean and variance over trials, by width; ``trial_noise`` is the error of the mean.
        reference: the limit; ``reference_noise`` is its error, 0 for a closed form.
        norm: squared norm that distances are relative to.
        squares: estimated squared distances relative to ``norm`` (metric, width), without bias by either noise, so
            that they may be negative; NaN for the metrics that the readout does not have.
        trial_changes: delete-one changes of log distance over trials, (metric, trial) by width.
        limit_changes: the same over replicates of the limit, (metric, width, replicate); shared by all widths.
        arithmetic: error of the run's dtype in the same unit; NaN if unknown.
    """

    widths: Array
    trials: tuple[Moments, ...]
    trial_noise: tuple[Noise, ...]
    reference: Moments
    reference_noise: Noise
    norm: float
    squares: Array
    trial_changes: tuple[Array, ...]
    limit_changes: Array
    arithmetic: float


def estimates(samples: Samples) -> Estimates:
    """Squared distances of section 13 of the mathematics and their delete-one changes."""
    trials = tuple(moments(rows) for rows in samples.trials)
    reference = moments(samples.limit) if samples.exact is None else exactly(samples.exact)
    limit = samples.limit if samples.exact is None else samples.limit[:0]
    norm = square_norm(samples, reference)
    squares = np.stack([_squares(samples, trial, reference) for trial in trials], axis=-1)
    without_replicate = moments_without_one(limit, reference)
    return Estimates(
        widths=samples.widths,
        trials=trials,
        trial_noise=_trial_noise(samples.trials, trials),
        reference=reference,
        reference_noise=reference_noise(limit, reference),
        norm=float(norm),
        squares=squares,
        trial_changes=tuple(
            log_changes(squares[:, k], _squares(samples, moments_without_one(rows, trials[k]), reference))
            for k, rows in enumerate(samples.trials)
        ),
        limit_changes=np.stack(
            [log_changes(squares[:, k], _squares(samples, trial, without_replicate)) for k, trial in enumerate(trials)],
            axis=1,
        ),
        arithmetic=np.nan if samples.arithmetic is None else float(np.sqrt(np.square(samples.arithmetic).sum() / norm)),
    )


def reference_noise(limit: Array, reference: Moments) -> Noise:
    """Error of the mean of the limit's replicates; nothing for a closed form (no replicates)."""
    if not reference.count:
        return Noise(variance=0.0, inverse_directions=1.0, degrees=np.inf)
    return Noise(
        variance=float(reference.noise),
        inverse_directions=inverse_directions(limit, reference),
        degrees=reference.count - 1,
    )


def square_norm(samples: Samples, reference: Moments) -> Array:
    """Squared norm that distances are relative to, by default that of the limit without what its error adds.

    NaN if not positive, as nothing is relative to 0. The scale of a law is a root mean square.
    """
    if samples.scale is None:
        square = np.square(reference.mean).sum(axis=-1) - reference.noise
    else:
        square = np.asarray(samples.scale**2 * (reference.mean.shape[-1] if samples.cells else 1))
    return np.where(square > 0, square, np.nan)


def _squares(samples: Samples, trial: Moments, reference: Moments) -> Array:
    """Unbiased relative squares of the metrics; broadcasts over left-out replicates.

    The distance W2 of two laws is that of their quantile functions, so its mean square is that of rms.
    """
    noisy = np.square(trial.mean - reference.mean).sum(axis=-1)
    bias, variance = np.broadcast_arrays(noisy - trial.noise - reference.noise, trial.variance)
    known = {"rms": bias + variance, "bias": bias, "std": variance, "w2": bias + variance}
    own = METRICS_OF[samples.kind]
    squares = np.stack([known[metric] if metric in own else np.full_like(bias, np.nan) for metric in METRICS])
    return squares / square_norm(samples, reference)


def _trial_noise(rows: tuple[Array, ...], trials: tuple[Moments, ...]) -> tuple[Noise, ...]:
    """Error of the mean at each width; its spread over directions is pooled, being asymptotically that of one law."""
    degrees = np.array([trial.count - 1 for trial in trials])
    known = degrees >= 2
    spreads = np.array([inverse_directions(row, trial) for row, trial in zip(rows, trials, strict=True)])
    pooled = float((spreads * degrees)[known].sum() / degrees[known].sum()) if known.any() else 1.0
    return tuple(
        Noise(variance=float(trial.noise) if trial.count > 1 else np.nan, inverse_directions=pooled, degrees=dof)
        for trial, dof in zip(trials, degrees.tolist(), strict=True)
    )
