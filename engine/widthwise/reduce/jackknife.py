"""Delete-one jackknife on the logarithmic scale."""

import numpy as np

from widthwise.reduce.samples import Array


def log_changes(whole: Array, without_one: Array) -> Array:
    """Change of the logarithm of a distance when a replicate is left out, log(without_one / whole) / 2.

    Args:
        whole: estimated squared distances (...).
        without_one: the same without each replicate in turn (..., replicate).

    Returns:
        (..., replicate); minus infinity where the replicate decides whether there is any distance at all.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = without_one / whole[..., None]
        return np.where(ratio <= 0, -np.inf, 0.5 * np.log(ratio))


def jackknife_variance(changes: Array) -> Array:
    """Variance of an estimate from its delete-one changes (..., replicate); 0 without any, infinite if one is."""
    count = changes.shape[-1]
    if not count:
        return np.zeros(changes.shape[:-1])
    with np.errstate(invalid="ignore"):
        squares = np.square(changes - changes.mean(axis=-1, keepdims=True)).sum(axis=-1)
    return np.where(np.isinf(changes).any(axis=-1), np.inf, squares * ((count - 1) / count))
