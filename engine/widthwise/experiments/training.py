"""The experiments ``mup_training`` and ``ntk_training``: a network in training against its infinite-width limit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments.courses import Course, course, require_limit
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.kernels import kernels
from widthwise.experiments.options import NTKTraining
from widthwise.experiments.trajectories import along, readouts
from widthwise.models import Architecture
from widthwise.spaces import Space
from widthwise.theory.parametrizations import equivalent, ntp
from widthwise.training.function_space import gradient_flow, kernel_descent
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training

NAMES = ("output", "loss", "kernel", "change")


def mup_training(
    model: Architecture, examples: np.ndarray, training: Training, optimizer: OptimizerOptions, parametrization: Scaling
) -> Experiment:
    """Outputs, loss, kernel and change of features at every step, of the network and of its kets (TP4b 2.7.1, 2.9.25).

    Raises:
        SpecError: exponents do not fit the network, or training it with them has no limit.
    """
    taken = course(model, examples, training, optimizer, parametrization)
    require_limit(taken, model)
    return Experiment(name="mup_training", readouts=readouts(taken, NAMES), measure=along(model, taken, NAMES))


def ntk_training(
    model: Architecture,
    examples: np.ndarray,
    training: Training,
    optimizer: OptimizerOptions,
    parametrization: Scaling,
    options: NTKTraining,
) -> Experiment:
    """Likewise, beside the exact limit where the tangent kernel is known and decides it (TP4b 2.4.1, 2.9.19).

    With ``options.flow`` also the outputs under gradient flow by the initial tangent kernel.

    Raises:
        SpecError: exponents do not fit the network, training with them has no limit, or gradient flow has no meaning.
    """
    taken = course(model, examples, training, optimizer, parametrization)
    require_limit(taken, model)
    by_kernel = _is_kernel_descent(taken)
    measure, described = along(model, taken, NAMES), readouts(taken, NAMES)
    if options.flow:
        _require_flow(taken, by_kernel=by_kernel)
        measure, described = _beside_flow(model, taken, measure), (*described, _flow_readout(described[0]))
    exact = _exact(model, taken, flow=options.flow) if by_kernel else None
    return Experiment(name="ntk_training", readouts=described, measure=measure, exact=exact)


def _is_kernel_descent(taken: Course) -> bool:
    """Whether the limit is descent by the tangent kernel of all parameters, from 0."""
    plan, scaling = taken.plan, taken.rule.scaling
    constants = (scaling.multiplier, scaling.initial, scaling.rate, scaling.gradient)
    plain = all(value == 1 for each in constants for _, value in each)
    in_steps = taken.rule.is_linear and taken.lesson.centred and not taken.rule.optimizer.weight_decay
    return plain and in_steps and equivalent(plan.parametrization, ntp(plan.parametrization.depth))


def _exact(model: Architecture, taken: Course, *, flow: bool) -> Callable[[], Mapping[str, np.ndarray]] | None:
    """The limit by the exact tangent kernel; None where it is not known."""
    inputs = taken.lesson.inputs.numpy()
    if model.propagation(inputs[:1]) is None:
        return None

    def exact() -> Mapping[str, np.ndarray]:
        propagation = model.propagation(inputs)
        assert propagation is not None
        nngp, ntk = (torch.from_numpy(each) for each in propagation.kernels(biases=True))
        outputs = kernel_descent(ntk, taken.lesson, taken.rule)
        steps = len(outputs)
        known = {
            "output": _alone(outputs),
            "loss": taken.lesson.loss_of(outputs),
            "kernel": nngp.expand(steps, *nngp.shape),
            "change": torch.zeros(steps, taken.states + 1),
        }
        if flow:
            known["flow"] = _alone(gradient_flow(ntk, taken.lesson, _times(taken)))
        return {name: value.numpy() for name, value in known.items()}

    return exact


def _beside_flow(
    model: Architecture, taken: Course, measure: Callable[[Space], Mapping[str, Tensor]]
) -> Callable[[Space], Mapping[str, Tensor]]:
    def both(space: Space) -> Mapping[str, Tensor]:
        found = measure(space)
        initial = model.initial(space)
        _, ntk = kernels(initial, model(space, taken.lesson.inputs), biases=True)
        flows = [gradient_flow(each.cpu(), taken.lesson, _times(taken)) for each in ntk]
        return {**found, "flow": torch.stack([_alone(each) for each in flows])}

    return both


def _require_flow(taken: Course, *, by_kernel: bool) -> None:
    if not (by_kernel and taken.rule.optimizer.name == "sgd"):
        message = (
            "options.flow: gradient flow is the limit of small steps of optimizer.name = 'sgd' in the parametrization "
            "ntp, centred, without weight decay and with constants 1; leave it out"
        )
        raise SpecError(message)


def _flow_readout(output: Readout) -> Readout:
    return replace(
        output,
        name="flow",
        long_name="output under gradient flow",
        description="after the time of so many steps, by the tangent kernel of the initial network",
        source="1806.07572",
    )


def _times(taken: Course) -> list[float]:
    """How long a flow has run after every step."""
    rate, schedule = taken.rule.optimizer.learning_rate, taken.rule.schedule
    return list(accumulate((rate * schedule(t) for t in range(taken.lesson.steps)), initial=0.0))


def _alone(outputs: Tensor) -> Tensor:
    """Without the axis of outputs if there is one output."""
    return outputs[..., 0] if outputs.shape[-1] == 1 else outputs
