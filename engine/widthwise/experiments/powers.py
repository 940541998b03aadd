"""Powers of the width that theory predicts for sizes in training: before it, after its first step, and after more."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from widthwise.experiments.courses import Course
from widthwise.experiments.parts import Parts
from widthwise.models import MLP, Architecture
from widthwise.theory.first_step import FirstStep, first_step
from widthwise.theory.parametrizations import HALF
from widthwise.training.task import Training

Exponents = dict[str, Fraction]
"""By the name of a size that is Theta(n^-exponent); those of which nothing is known are left out."""

HOMOGENEOUS = ("abs", "identity", "leaky_relu", "relu")
"""Activations of degree one, which pass on every power."""

LINEAR_AT_0 = (*HOMOGENEOUS, "elu", "erf", "gelu", "hard_tanh", "silu", "sin", "tanh")
"""Activations that pass on what vanishes."""

DIVIDE = ("adafactor", "adagrad", "adam", "adamax", "adamw", "nadam", "rmsprop", "sign_sgd")
"""Optimizers that divide gradients by their size, so that updates are of order one whatever that is."""

NEGLIGIBLE = 2e-7
"""Epsilon up to which they do."""


def powers(model: Architecture, training: Training, course: Course, made: Parts) -> Mapping[str, float]:
    """By the name of a size the power of the width; of the first step also where training is not stable.

    What is not stable or not faithful is known of MLPs alone, for the powers that their activation passes on.
    """
    found = _of_mlp(model, training, course, made) if isinstance(model, MLP) else _of_any(course, made)
    later = _later(model, course, made) if course.lesson.steps > 1 else {}
    return {name: 0.0 - float(exponent) for name, exponent in {**found, **later}.items()}


def _of_mlp(model: MLP, training: Training, course: Course, made: Parts) -> Exponents:
    """Before training and of its first step."""
    lesson, options = course.lesson, course.rule.optimizer
    counted = first_step(
        course.plan.parametrization,
        linear=course.rule.is_linear,
        centred=lesson.centred,
        decays=options.weight_decay > 0,
    )
    biased = any(part.is_bias for part in made.parameters)
    if biased and any(counted.states):
        return {}  # both add up
    passed = _passed(model.activation, counted.states)
    found = _numbered("state_{}", counted.states[: passed + 1])
    if passed < len(counted.states):
        return found
    found["function_start"] = counted.initial_function
    seen = _seen(course, made, counted)
    if not _begins(course) or not (lesson.centred or training.loss == "squared" or counted.initial_function >= 0):
        return found
    found |= {f"update_input_{name}_first": each for name, each in seen.items()}
    if not _sizes_known(course, biased=biased) and any(seen.values()):
        return found
    calm = _calm(counted)
    found |= _numbered("change_{}_first", counted.changes[: calm + 1])
    if calm == len(counted.changes):
        found |= {"change_readout_first": counted.changes[-1], "function_first": counted.function}
    return found


def _of_any(course: Course, made: Parts) -> Exponents:
    """Of a network whose layers are not those of an MLP, if nothing explodes."""
    found = course.plan.classification
    if not found.stable_at_initialisation:
        return {}
    output = found.effective.output
    known = {**_numbered("state_{}", [Fraction(0)] * len(made.reached)), "function_start": output.a + output.b - HALF}
    moves = _moves(course, made) if _begins(course) and output.b <= output.c else {}
    return known | {f"{name}_first": each for name, each in moves.items()}


def _later(model: Architecture, course: Course, made: Parts) -> Exponents:
    """After more steps than one, if nothing explodes."""
    moves = {f"{name}_last": each for name, each in _moves(course, made).items()}
    output = course.plan.parametrization.output
    if not (moves and isinstance(model, MLP)) or output.c < output.b:
        return moves  # in the end updates outgrow initial output weights, at what width nobody knows
    counted = first_step(course.plan.parametrization, linear=course.rule.is_linear, centred=True)
    seen = _seen(course, made, counted, later=True)
    return moves | {f"update_input_{name}_last": each for name, each in seen.items()}


def _moves(course: Course, made: Parts) -> Exponents:
    """How far stable training moves states and function: of each state the parameter that moves it most."""
    found = course.plan.classification
    if not (found.stable and (found.faithful or _divides(course))):
        return {}
    decays = course.rule.optimizer.weight_decay > 0
    least = [min(found.exponents[made.parameters[i].layer] for i in reached) for reached in made.reached]
    states = [min(each, Fraction(0)) if decays else each for each in least]
    output = found.effective.output
    function = min([found.function_exponent, *([output.a + output.b - HALF] if decays else [])])
    return {**_numbered("change_{}", states), "change_readout": states[-1], "function": function}


def _seen(course: Course, made: Parts, counted: FirstStep, *, later: bool = False) -> Exponents:
    """What the update function sees of each parameter; a bias is a layer whose input is of order one."""
    inputs = counted.next_update_inputs if later else counted.update_inputs
    layers = course.plan.parametrization.layers
    found, weights = {}, 0
    for index, part in enumerate(made.parameters, 1):
        weights += not part.is_bias
        one, vector = layers[weights - 1], layers[0]
        shift = (vector.a - vector.d) - (one.a - one.d) if part.is_bias else 0
        found[str(index)] = inputs[weights - 1] + shift
    return {**found, "output": inputs[-1]}


def _begins(course: Course) -> bool:
    """Whether there are error signals at the first step."""
    return course.rule.scaling.initial.output > 0


def _sizes_known(course: Course, *, biased: bool) -> bool:
    """Whether the sizes of updates follow from those of gradients of any size."""
    return _divides(course) or (course.rule.is_linear and not biased)


def _divides(course: Course) -> bool:
    options = course.rule.optimizer
    return options.normalise or (options.name in DIVIDE and getattr(options, "epsilon", 0.0) <= NEGLIGIBLE)


def _calm(counted: FirstStep) -> int:
    """How many layers from the first on do not outgrow themselves; of those above several powers meet, slowly."""
    outgrow = (change < state for change, state in zip(counted.changes, counted.states, strict=True))
    return next((index for index, each in enumerate(outgrow) if each), len(counted.changes))


def _passed(activation: str, sizes: Sequence[Fraction]) -> int:
    """How many layers from the first on have states whose powers the activation passes on."""
    allowed = activation in HOMOGENEOUS, activation in LINEAR_AT_0
    passes = (size == 0 or allowed[size > 0] for size in sizes)
    return next((index for index, each in enumerate(passes) if not each), len(sizes))


def _numbered(name: str, values: Sequence[Fraction]) -> Exponents:
    return {name.format(index): value for index, value in enumerate(values, 1)}
