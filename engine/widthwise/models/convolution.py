"""Convolutional nets along a line or over images, which differ only in how offsets move positions."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.models.activations import activation
from widthwise.models.catalogue import Conv1d, Conv2d
from widthwise.models.layers import Array, affine, in_parts
from widthwise.spaces import Space
from widthwise.theory import Propagation, State, linear_source

Sources = npt.NDArray[np.intp]
"""Which position every offset reads for every position of a layer, (offset, position); -1 for padding with zeros."""


def states(network: Conv1d | Conv2d, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h^1, ..., h^L, each (replicate, input, position, coordinate); images are read row by row.

    Raises:
        SpecError: the features are not those of so many positions, or a window does not fit.
    """
    phi = activation(network.activation).function
    variances = (network.weight_variance, network.bias_variance)
    pixels, extents = _pixels(network, inputs)
    first, *rest = _layers(network, extents)
    patches = _patches(pixels, first)
    hs = [affine(space, *variances, features=patches.shape[-1])(space.constant(patches))]
    for sources in rest:
        hs.append(_convolved(network, space, sources, phi(hs[-1])))
    return hs


def readout(network: Conv1d | Conv2d, state: Tensor) -> Tensor:
    """phi(h^L), or its mean over positions."""
    x = activation(network.activation).function(state)
    return x.mean(2) if network.pooling == "mean" else x


def propagation(network: Conv1d | Conv2d, inputs: np.ndarray) -> Propagation:
    """The limit: offsets have matrices of their own, whose hats are independent.

    Raises:
        SpecError: as for `states`.
    """
    pixels, extents = _pixels(network, inputs)
    first, *rest = _layers(network, extents)
    source = linear_source(_patches(torch.from_numpy(pixels), first).numpy(), network.weight_variance)
    mixes = [_mix(sources, before.shape[1]) for before, sources in pairwise((first, *rest))]
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.weight_variance,
        states=(
            State(source=source, bias=network.bias_variance),
            *(State(mix=mix, bias=network.bias_variance) for mix in mixes),
        ),
        pooling=network.pooling,
    )


def _patches(pixels: Tensor, sources: Sources) -> Tensor:
    """What a window reads of (input, position, channel), padding included: (input, position, offset and channel).

    The matrices of the first layer, one for each offset, are one matrix of these features.
    """
    padding = pixels.new_zeros(len(pixels), 1, pixels.shape[2])
    read = torch.cat([pixels, padding], 1)[:, torch.from_numpy(sources.T)]
    return read.flatten(2)


def _convolved(network: Conv1d | Conv2d, space: Space, sources: Sources, x: Tensor) -> Tensor:
    """A later layer; an offset that reads nothing but padding has no matrix, and padding is not multiplied."""
    variance = network.weight_variance / len(sources)
    h = x.new_zeros(*x.shape[:2], sources.shape[1], x.shape[3])
    for read in torch.from_numpy(sources).to(x.device):
        (inside,) = torch.nonzero(read >= 0, as_tuple=True)
        if len(inside):
            h = h.index_add(2, inside, space.matrix(variance=variance)(x.index_select(2, read[inside])))
    return space.bias(network.bias_variance)(h) if network.bias_variance else h


def _pixels(network: Conv1d | Conv2d, inputs: Array) -> tuple[Array, tuple[int, ...]]:
    """Inputs (input, feature) as (input, position, channel), and how many positions there are along each axis."""
    if isinstance(network, Conv1d):
        return in_parts(inputs, network.positions, "positions"), (network.positions,)
    rows = in_parts(inputs, network.height, "height")
    if rows.shape[2] % network.channels:
        message = (
            f"model.channels: {network.channels} does not divide the {rows.shape[2]} features of a row of pixels; "
            "choose a divisor, for example 1"
        )
        raise SpecError(message)
    width = rows.shape[2] // network.channels
    return rows.reshape(len(inputs), network.height * width, network.channels), (network.height, width)


def _layers(network: Conv1d | Conv2d, extents: Sequence[int]) -> Iterator[Sources]:
    """What every layer reads.

    Raises:
        SpecError: without padding, a layer has fewer positions than its window.
    """
    for layer in range(1, network.depth + 1):
        if network.padding == "none" and min(extents) < network.window:
            message = (
                f"model.window: {network.window} does not fit into the {min(extents)} positions that layer {layer} "
                "reads; lower model.window, model.stride or model.depth, or set model.padding = 'zeros'"
            )
            raise SpecError(message)
        axes = [_along(network, extent) for extent in extents]
        before, extents = extents, [read.shape[1] for read in axes]
        yield _combined(axes, before)


def _along(network: Conv1d | Conv2d, extent: int) -> Sources:
    """What a layer reads along one axis."""
    offsets = np.arange(network.window)[:, None]
    if network.padding == "none":
        return offsets + np.arange(0, extent - network.window + 1, network.stride)
    read = offsets + np.arange(0, extent, network.stride) - (network.window - 1) // 2
    return read % extent if network.padding == "circular" else np.where((read >= 0) & (read < extent), read, -1)


def _combined(axes: Sequence[Sources], extents: Sequence[int]) -> Sources:
    """What a layer reads by axis, as indices into positions that are counted row by row; offsets likewise."""
    combined = axes[0]
    for read, extent in zip(axes[1:], extents[1:], strict=True):
        outer, inner = combined[:, None, :, None], read[None, :, None, :]
        both = np.where((outer >= 0) & (inner >= 0), outer * extent + inner, -1)
        combined = both.reshape(len(combined) * len(read), -1)
    return combined


def _mix(sources: Sources, count: int) -> npt.NDArray[np.float64]:
    """The maps P of the recursion, (offset, position, position of ``count`` before); 1 / offsets of the variance."""
    return (sources[..., None] == np.arange(count)) / len(sources) ** 0.5
