"""An experiment out of a user's program."""

import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from widthwise.errors import ProgramError, WidthwiseError
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.programs import Program
from widthwise.spaces import FiniteSpace, Space, check_program

PROBE_WIDTH = 16

RESERVED = frozenset({"replicate", "seed", "trial", "trial_count", "width"})
"""Names that a store has for its own dimensions and counts."""


@cache
def experiment_of(program: Program) -> Experiment:
    """Run the program once at a small width to see its readouts; its limit is known by sampling only.

    Raises:
        ProgramError: it does not keep to the language, or does not return named readouts of shape (replicate, ...).
    """
    space = FiniteSpace(PROBE_WIDTH, 2, dtype=torch.float64)
    readouts = tuple(_readout(name, value, program) for name, value in _tried(program, space).items())
    return Experiment(
        name=program.name,
        readouts=readouts,
        measure=lambda space: _returned(program, space),
        draws_entries=any(
            matrix.choice.held != "revealed" and not matrix.columns.constant for matrix in space.matrices
        ),
        moves_entries=bool(space.moved),
    )


def _tried(program: Program, space: Space) -> Mapping[str, Tensor]:
    """What the program returns at a small width, after a check that it keeps to the language."""
    try:
        values = _returned(program, space)
        check_program(program.function)
    except WidthwiseError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = (
            f"program {program.name}: {type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno}), "
            f"tried at a small width; call it with widthwise.FiniteSpace(16, 2) to see where"
        )
        raise ProgramError(message) from error
    return values


def _returned(program: Program, space: Space) -> Mapping[str, Tensor]:
    values: object = program.function(space)
    if not isinstance(values, Mapping) or not values or not all(_is_readout(v, space) for v in values.values()):
        message = (
            f"program {program.name}: must return a dictionary of named tensors, the first axis of each being the "
            f"{space.replicates} replicates of the space"
        )
        raise ProgramError(message)
    wrong = next((name for name in values if not str(name).isidentifier() or name in RESERVED), None)
    if wrong is not None:
        message = (
            f"program {program.name}: {wrong!r} cannot name a readout; allowed: letters, digits and _, but none of "
            f"{', '.join(sorted(RESERVED))}"
        )
        raise ProgramError(message)
    return values


def _is_readout(value: object, space: Space) -> bool:
    return isinstance(value, Tensor) and value.shape[:1] == (space.replicates,)


def _readout(name: str, value: Tensor, program: Program) -> Readout:
    shape = tuple(value.shape[1:])
    return Readout(
        name=name,
        dims=tuple(f"{name}_{axis}" for axis in range(len(shape))),
        shape=shape,
        long_name=name,
        description=f"readout {name} of the program {program.name}",
        source=program.name,
    )
