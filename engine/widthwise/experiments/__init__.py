"""What is measured, and what it is compared with."""

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import NoOptions
from widthwise.experiments.programs import Program, adopt_programs, programs, register_program
from widthwise.experiments.registry import (
    EXPERIMENTS,
    TABLES,
    Kind,
    build,
    classifies,
    defaults_of,
    draws_entries,
    has_limit,
    models_of,
    moves_entries,
    options_of,
    shaped_by,
    tables_of,
)

__all__ = [
    "EXPERIMENTS",
    "TABLES",
    "Experiment",
    "Kind",
    "NoOptions",
    "Program",
    "Readout",
    "adopt_programs",
    "build",
    "classifies",
    "defaults_of",
    "draws_entries",
    "has_limit",
    "models_of",
    "moves_entries",
    "options_of",
    "programs",
    "register_program",
    "shaped_by",
    "tables_of",
]
