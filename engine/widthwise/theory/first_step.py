r"""First step: powers of the width n of everything at initialisation and after one update, stable or not.

For an MLP, of weights :math:`n^{-a} w` with initial :math:`w \sim n^{-b}`, sizes are powers of n, here written as the
exponents of 1/n. A sum over n independent coordinates gains :math:`n^{1/2}`, one over coordinates that training has
made dependent gains n:

.. math::
    h_l &: F_l = F_{l-1} + a_l + b_l - \tfrac12, \qquad
    dh_l : G_l = G_{l+1} + a_{l+1} + b_{l+1} - \tfrac12, \\
    \text{input of } Q &: U_l = a_l + G_l + F_{l-1} + \chi - d_l, \qquad
    \Delta W_l x_{l-1} : R_l = a_l + c_l + q_l + F_{l-1} - 1, \\
    \Delta h_l &: P_l = \min(R_l + \min(0, P_{l-1} - F_{l-1}),\ P_{l-1} + a_l + b_l - \tfrac12),

with :math:`F_0 = 0`, :math:`G_L = a_{L+1} + b_{L+1}`, no sum over n in the first layer, :math:`\chi` the exponent of
the derivative of the loss, and :math:`q_l = U_l` for a linear Q, 0 for one whose values are of order one. Where
training is stable and faithful, F = U = 0 and P is the smallest R so far, the :math:`r_{\le l}` of the dichotomy.

Source: the counting of TP4b (2308.01814) 2.8 and TP4 (2011.14522) 3, without their assumptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from widthwise.theory.parametrizations import HALF, Exponents, Parametrization

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class FirstStep:
    """Exponents r of sizes Theta(n^-r); growth has negative ones.

    Attributes:
        states: of h_l before training, for each hidden layer.
        initial_function: of f_0.
        update_inputs: of what Q sees at the first step, for every layer.
        changes: of what the first step adds to h_l, for each hidden layer.
        function: of what it adds to f.
        next_update_inputs: of what Q sees from the second step on, if neither features nor function explode.
    """

    states: tuple[Fraction, ...]
    initial_function: Fraction
    update_inputs: tuple[Fraction, ...]
    changes: tuple[Fraction, ...]
    function: Fraction
    next_update_inputs: tuple[Fraction, ...]


def first_step(parametrization: Parametrization, *, linear: bool, centred: bool, decays: bool = False) -> FirstStep:
    """Count powers, for an activation that is homogeneous of degree one, as identity and ReLU are.

    They are those of any other activation up to the first layer at which they are negative. Where they are positive it
    takes phi(0) = 0 and a derivative there that is not 0.

    Args:
        parametrization: that is trained with.
        linear: whether updates are linear in the gradients; else values of Q are of order one.
        centred: whether the initial output is subtracted, so that the loss does not see its size.
        decays: whether weights decay.
    """
    *before, output = parametrization.layers
    passes = [layer.a + layer.b - (HALF if index else 0) for index, layer in enumerate(before)]
    states = list(accumulate(passes))
    initial = states[-1] + output.a + output.b - HALF
    error = ZERO if centred else min(ZERO, initial)
    seen = _seen(parametrization, states, passes, output.a + output.b, error)
    updates = seen if linear else [ZERO] * len(seen)
    changes = _changes(before, states, passes, updates)
    by_weights = output.a + output.c + updates[-1] - 1 + states[-1] + min(ZERO, changes[-1] - states[-1])
    by_features = output.a + output.b - 1 + changes[-1]
    weights = output.a + min(output.b, output.c + updates[-1])
    return FirstStep(
        states=tuple(states),
        initial_function=initial,
        update_inputs=tuple(seen),
        changes=tuple(map(min, changes, states) if decays else changes),
        function=min([by_weights, by_features, *([initial] if decays else [])]),
        next_update_inputs=tuple(_seen(parametrization, states, passes, weights, error)),
    )


def _seen(
    parametrization: Parametrization,
    states: Sequence[Fraction],
    passes: Sequence[Fraction],
    weights: Fraction,
    error: Fraction,
) -> list[Fraction]:
    """What Q sees of every layer, where output weights are Theta(n^-weights)."""
    *before, output = parametrization.layers
    signals = list(accumulate(reversed(passes[1:]), initial=weights))[::-1]
    inputs = (ZERO, *states)
    found = [layer.a + signal + x + error - layer.d for layer, signal, x in zip(before, signals, inputs, strict=False)]
    return [*found, output.a + states[-1] + error - output.d]


def _changes(
    before: Sequence[Exponents],
    states: Sequence[Fraction],
    passes: Sequence[Fraction],
    updates: Sequence[Fraction],
) -> list[Fraction]:
    changes: list[Fraction] = []
    for index, (layer, passed, update) in enumerate(zip(before, passes, updates, strict=False)):
        found = layer.a + layer.c + update
        if index:
            x, moved = states[index - 1], changes[-1]
            found = min(found - 1 + x + min(ZERO, moved - x), moved + passed)
        changes.append(found)
    return changes
