"""How the matrices of a run are held at every width, in words: for the record, since no number depends on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from widthwise.experiments import build
from widthwise.plan.batching import trains, trials_at_once
from widthwise.spaces import Choice, FiniteSpace, Holding, Matrix
from widthwise.spaces.holding import choose, preferred
from widthwise.spec import Spec, points
from widthwise.training.loop import holding
from widthwise.training.network import anatomy, of_architecture

PROBE_WIDTH = 16

IN_TRAINING = "training moves all entries, or looks at most of them"


def holdings(spec: Spec, inputs: Sequence[np.ndarray]) -> dict[str, list[str]]:
    """By width, one line for each kind of matrix: shape, law, how it is held and why.

    The matrices are those that every point of the sweep makes at a small width.
    """
    resolved = [point.spec for point in points(spec)]
    made = [_matrices(each, x) for each, x in zip(resolved, inputs, strict=True)]
    held = [_preferences(each, x) for each, x in zip(resolved, inputs, strict=True)]
    return {
        str(width): list(
            dict.fromkeys(
                line
                for each, matrices, preference in zip(resolved, made, held, strict=True)
                for line in _lines(each, matrices, width, preference(width))
            )
        )
        for width in spec.sweep.width
    }


def _matrices(spec: Spec, inputs: np.ndarray) -> list[Matrix]:
    space = FiniteSpace(PROBE_WIDTH, matrix=spec.numerics.matrix, dtype=torch.float64)
    if trains(spec):
        of_architecture(spec.model)(spec.model.initial(space), _features(spec, inputs))
    else:
        build(spec.experiment, spec.tables, inputs).measure(space)
    return space.matrices


def _features(spec: Spec, examples: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(examples[:, : -spec.training.outputs])


def _preferences(spec: Spec, examples: np.ndarray) -> Callable[[int], Holding]:
    """By width how an experiment holds matrices unless the spec says otherwise."""
    if not trains(spec):
        return lambda width: "auto"
    found = anatomy(of_architecture(spec.model), _features(spec, examples))
    steps, linear = spec.training.steps, spec.optimizer.is_linear
    return partial(holding, found=found, inputs=len(examples), steps=steps, linear=linear)


def _lines(spec: Spec, matrices: Sequence[Matrix], width: int, held: Holding) -> list[str]:
    entry_bytes = trials_at_once(spec, width) * getattr(torch, spec.numerics.dtype).itemsize
    choices: list[Choice] = []
    lines = []
    for matrix in matrices:
        rows, columns = matrix.rows.at(width), matrix.columns.at(width)
        choice = matrix.choice
        if not choice.asked:
            taken = sum(each.bytes for each in choices)
            asked = preferred(matrix.law, columns, held)
            choice = choose(matrix.law, rows, columns, asked=asked, entry_bytes=entry_bytes, taken=taken)
            choice = replace(choice, reason=IN_TRAINING) if choice.asked else choice
            choices.append(choice)
        outside = f"; outside the theorems: {matrix.law.outside}" if matrix.law.outside else ""
        lines.append(f"{rows.size} x {columns.size}, {matrix.law.name}: {choice.held} ({choice.reason}){outside}")
    return lines
