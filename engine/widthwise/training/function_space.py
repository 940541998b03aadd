"""Training as the outputs see it where the tangent kernel is fixed: in steps, and as gradient flow."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from widthwise.training.lesson import Lesson
from widthwise.training.optimizer import optimizer
from widthwise.training.rule import Rule

TOLERANCE = 1e-9
"""Relative error of a step of the integration."""

EVALUATIONS = 100_000
"""More than this an integration does not need unless it explodes."""


def kernel_descent(kernel: Tensor, lesson: Lesson, rule: Rule) -> Tensor:
    r"""Outputs under :math:`f_{t+1} = f_t - \eta_t \Theta q_t`, q the updates out of the slopes of the loss, from 0.

    Args:
        kernel: :math:`\Theta`, float64 (input, input).
        lesson: what is learnt.
        rule: with a linear optimizer, whose update functions see slopes as they see gradients, and without decay.

    Returns:
        (step, input, output), ``steps + 1`` of them.

    Source:
        Jacot et al. 2018 (1806.07572); TP4b 2.4.1.
    """
    options, rate = rule.optimizer, rule.schedule
    update = optimizer(options)
    outputs = [kernel.new_zeros(len(kernel), lesson.targets.shape[1])]
    state = None
    for t in range(lesson.steps):
        slopes = torch.zeros_like(outputs[-1])
        chosen = lesson.chosen(t)
        slopes[chosen] = lesson.slopes(outputs[-1][None], chosen)[0]
        moved, state = update.step(update.init(slopes) if state is None else state, slopes, t)
        outputs.append(outputs[-1] - options.learning_rate * rate(t) * kernel @ moved)
    return torch.stack(outputs)


def gradient_flow(kernel: Tensor, lesson: Lesson, times: Sequence[float]) -> Tensor:
    r"""Outputs under :math:`df / ds = -\Theta \nabla_f L(f)` from 0, L the mean loss over all that is trained on.

    Args:
        kernel: :math:`\Theta`, float64 (input, input).
        lesson: what is learnt; its steps and batches do not count.
        times: s >= 0, in order; a step of learning rate eta is eta long.

    Returns:
        (time, input, output).

    Raises:
        ArithmeticError: the integration did not get to the last time, or not in reasonable time.

    Source:
        Jacot et al. 2018 (1806.07572).
    """
    shape = (len(kernel), lesson.targets.shape[1])
    everyone = torch.arange(len(lesson.targets))

    evaluations = count()

    def velocity(_: float, flat: np.ndarray) -> np.ndarray:
        if next(evaluations) == EVALUATIONS:
            message = f"gradient_flow: not at time {times[-1]:g} after {EVALUATIONS} evaluations; end it earlier"
            raise ArithmeticError(message)
        slopes = lesson.slopes(torch.from_numpy(flat.copy()).reshape(1, *shape), everyone)[0]
        moved: np.ndarray = -(kernel[:, : len(everyone)] @ slopes).numpy().ravel()
        return moved

    start = np.zeros(shape[0] * shape[1])
    span = (0.0, max(times))
    found = solve_ivp(velocity, span, start, method="LSODA", t_eval=list(times), rtol=TOLERANCE, atol=TOLERANCE)
    if not found.success:
        message = f"gradient_flow: {found.message}"
        raise ArithmeticError(message)
    return torch.from_numpy(found.y.T.copy()).reshape(len(times), *shape)
