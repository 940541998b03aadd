"""Recurrent nets in plain torch, out of weight tensors: what the programs of widthwise are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from widthwise.models.recurrent import Recurrent
from widthwise.spaces import Matrix

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Weights:
    """Of one gate at one step: U (n, feature), b (n, 1), and W (n, n), which the first step has no use for."""

    u: Tensor
    b: Tensor
    w: Tensor


def weights_of(network: Recurrent, matrices: Sequence[Matrix], entries: Sequence[Tensor]) -> list[list[Weights]]:
    """By gate and step, out of the matrices of a network with biases, gate after gate."""
    count = len(matrices) // GATES[network.name]
    return [
        _gate(network, matrices[first : first + count], entries[first : first + count])
        for first in range(0, len(matrices), count)
    ]


def _gate(network: Recurrent, matrices: Sequence[Matrix], entries: Sequence[Tensor]) -> list[Weights]:
    drawn = list(zip(matrices, entries, strict=True))
    us = [e for m, e in drawn if m.kind == "vector" and not m.is_bias]
    bs = [e for m, e in drawn if m.is_bias]
    ws = [e for m, e in drawn if m.kind == "matrix"]
    if network.tied:
        return [Weights(us[0], bs[0], ws[0])] * network.steps
    return [Weights(*each) for each in zip(us, bs, [torch.empty(0), *ws], strict=True)]


def plain_states(network: Recurrent, gates: Sequence[Sequence[Weights]], x: Tensor) -> list[Tensor]:
    """States of one network, each (input, coordinate), for inputs (input, step, feature)."""
    return {"rnn": _rnn, "gru": _gru, "lstm": _lstm}[network.name](gates, x)


def _rnn(gates: Sequence[Sequence[Weights]], x: Tensor) -> list[Tensor]:
    """Of the activation tanh."""
    (steps,) = gates
    h = x[:, 0] @ steps[0].u.mT + steps[0].b.mT
    hs = [h]
    for t, step in enumerate(steps[1:], 1):
        hs.append(torch.tanh(hs[-1]) @ step.w.mT + x[:, t] @ step.u.mT + step.b.mT)
    return hs


def _gru(gates: Sequence[Sequence[Weights]], x: Tensor) -> list[Tensor]:
    """Cho et al. 2014, equations 5 to 8, z and 1 - z exchanged; torch's own multiplies by r after W."""
    s = torch.zeros_like(gates[0][0].b.mT).expand(len(x), -1)
    states = []
    for t, (update, reset, candidate) in enumerate(zip(*gates, strict=True)):
        z, r = (torch.sigmoid(x[:, t] @ p.u.mT + p.b.mT + (s @ p.w.mT if t else 0)) for p in (update, reset))
        g = torch.tanh(x[:, t] @ candidate.u.mT + candidate.b.mT + ((r * s) @ candidate.w.mT if t else 0))
        s = s + z * (g - s)
        states.append(s)
    return states


def _lstm(gates: Sequence[Sequence[Weights]], x: Tensor) -> list[Tensor]:
    """By torch's own cell, whose order of gates is i, f, g, o."""
    n, features = gates[0][0].u.shape
    cell = nn.LSTMCell(features, n, dtype=x.dtype)
    hidden: tuple[Tensor, Tensor] | None = None
    states = []
    for t, (i, f, o, g) in enumerate(zip(*gates, strict=True)):
        order = (i, f, g, o)
        parameters = {
            "weight_ih": torch.cat([p.u for p in order]),
            "weight_hh": torch.cat([p.w for p in order]) if t else torch.zeros(4 * n, n, dtype=x.dtype),
            "bias_ih": torch.cat([p.b[:, 0] for p in order]),
            "bias_hh": torch.zeros(4 * n, dtype=x.dtype),
        }
        hidden = functional_call(cell, parameters, (x[:, t], hidden))
        states.append(hidden[0])
    return states
