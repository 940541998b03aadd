r"""State evolution of approximate message passing: what is left of the noise, step by step, in the infinite limit.

With :math:`X_0` standard normal with probability ``density`` and 0 otherwise, the error of a denoiser is that
of two Gaussian inputs, of variance :math:`\tau^2` and :math:`1 + \tau^2`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy import special

from widthwise.errors import SpecError
from widthwise.theory.kernels import Array
from widthwise.theory.nested import nested_expectation


def state_evolution(
    *, delta: float, noise_variance: float, density: float, denoiser: str, threshold: float, steps: int
) -> Array:
    r""":math:`\tau_{t+1}^2 = \sigma^2 + \frac1\delta E[(\eta_t(X_0 + \tau_t Z) - X_0)^2]`, from :math:`\eta = 0` on.

    Args:
        delta: measurements by unknowns, m / n, above 0.
        noise_variance: :math:`\sigma^2` of a measurement, 0 or more.
        density: probability that an unknown is not 0, from 0 to 1; it is standard normal then.
        denoiser: "soft_threshold", :math:`\eta_t(u) = \mathrm{sign}(u) \max(|u| - \theta \tau_t, 0)`, or "tanh",
            :math:`\eta(u) = \tanh(u)`.
        threshold: :math:`\theta`, in units of :math:`\tau_t`, 0 or more; tanh has none and ignores it.
        steps: number of steps, 0 or more.

    Returns:
        :math:`\tau_t^2` for t = 0 .. steps, shape (steps + 1,); the start is :math:`\sigma^2 + E[X_0^2] / \delta`.

    Raises:
        SpecError: if an argument is out of its range or the denoiser is none of the two.

    Source:
        TP0 (1902.04760) appendix D.8; Bayati and Montanari 2011 (1001.3448); mathematics: section 12.
    """
    if denoiser not in _ERRORS:
        message = f"denoiser: {denoiser!r} is unknown; choose one of {', '.join(_ERRORS)}"
        raise SpecError(message)
    _check(delta=delta, noise_variance=noise_variance, density=density, threshold=threshold, steps=steps)
    errors = _ERRORS[denoiser]
    squares = np.empty(steps + 1)
    squares[0] = noise_variance + density / delta
    for step in range(steps):
        of_zero, of_normal = errors(squares[step], threshold)
        squares[step + 1] = noise_variance + ((1 - density) * of_zero + density * of_normal) / delta
    return squares


def _soft_threshold_errors(square: float, threshold: float) -> tuple[float, float]:
    r""":math:`E[(\eta - X_0)^2]` where :math:`X_0` is 0 and where it is standard normal.

    By Stein's lemma the second is :math:`E[\eta^2] - 2 E[\eta'] + 1`. In the form below no 1 cancels, so that a small
    :math:`\tau` keeps its digits: with :math:`\beta = \theta \tau / \sqrt{1 + \tau^2}` its first term is
    :math:`P(|z| < \beta) - 2 \beta\,\mathrm{pdf}(\beta)`, an incomplete gamma function.
    """
    level = threshold * np.sqrt(square / (1 + square))
    lost = special.gammainc(1.5, level**2 / 2)
    return square * _passed(threshold, threshold), lost + square * _passed(threshold, level)


def _passed(threshold: float, level: float) -> float:
    r""":math:`(1 + \theta^2) P(|z| > \beta) - 2 \beta\,\mathrm{pdf}(\beta)`."""
    density = np.exp(-(level**2) / 2) / np.sqrt(2 * np.pi)
    return (1 + threshold**2) * special.erfc(level / np.sqrt(2)) - 2 * level * density


def _tanh_errors(square: float, threshold: float) -> tuple[float, float]:
    r"""By Stein's lemma again, and :math:`\tanh' = 1 - \tanh^2`, both need nothing but :math:`E[\tanh^2]`."""
    variances = np.array([square, 1 + square])
    small, large = nested_expectation(np.tanh, (), variances, variances, variances)
    return small, 3 * large - 1


_ERRORS: Mapping[str, Callable[[float, float], tuple[float, float]]] = MappingProxyType(
    {"soft_threshold": _soft_threshold_errors, "tanh": _tanh_errors}
)


def _check(*, delta: float, noise_variance: float, density: float, threshold: float, steps: int) -> None:
    rules = (
        ("delta", delta, 0 < delta < np.inf, "a number above 0"),
        ("noise_variance", noise_variance, 0 <= noise_variance < np.inf, "a number of at least 0"),
        ("density", density, 0 <= density <= 1, "a probability, from 0 to 1"),
        ("threshold", threshold, 0 <= threshold < np.inf, "a number of at least 0"),
        ("steps", steps, steps >= 0, "an integer of at least 0"),
    )
    for name, value, holds, rule in rules:
        if not holds:
            message = f"{name}: {value} is out of range; it must be {rule}"
            raise SpecError(message)
