"""How the matrices of a run are held at every width, in words: for the record, since no number depends on it."""

from collections.abc import Sequence

import numpy as np
import torch

from widthwise.experiments import build
from widthwise.plan.batching import trials_at_once
from widthwise.spaces import Choice, FiniteSpace, Matrix
from widthwise.spaces.holding import choose
from widthwise.spec import Spec, points

PROBE_WIDTH = 16


def holdings(spec: Spec, inputs: Sequence[np.ndarray]) -> dict[str, list[str]]:
    """By width, one line for each kind of matrix: shape, law, how it is held and why.

    The matrices are those that every point of the sweep makes at a small width.
    """
    resolved = [point.spec for point in points(spec)]
    made = [_matrices(each, x) for each, x in zip(resolved, inputs, strict=True)]
    return {
        str(width): list(
            dict.fromkeys(
                line for each, matrices in zip(resolved, made, strict=True) for line in _lines(each, matrices, width)
            )
        )
        for width in spec.sweep.width
    }


def _matrices(spec: Spec, inputs: np.ndarray) -> list[Matrix]:
    space = FiniteSpace(PROBE_WIDTH, matrix=spec.numerics.matrix, dtype=torch.float64)
    build(spec.experiment, spec.tables, inputs).measure(space)
    return space.matrices


def _lines(spec: Spec, matrices: Sequence[Matrix], width: int) -> list[str]:
    entry_bytes = trials_at_once(spec, width) * getattr(torch, spec.numerics.dtype).itemsize
    choices: list[Choice] = []
    lines = []
    for matrix in matrices:
        rows, columns = matrix.rows.at(width), matrix.columns.at(width)
        choice = matrix.choice
        if not choice.asked:
            taken = sum(each.bytes for each in choices)
            choice = choose(matrix.law, rows, columns, asked="auto", entry_bytes=entry_bytes, taken=taken)
            choices.append(choice)
        outside = f"; outside the theorems: {matrix.law.outside}" if matrix.law.outside else ""
        lines.append(f"{rows.size} x {columns.size}, {matrix.law.name}: {choice.held} ({choice.reason}){outside}")
    return lines
