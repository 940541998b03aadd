"""What is measured, and what it is compared with."""

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.programs import Program, adopt_programs, programs, register_program
from widthwise.experiments.registry import EXPERIMENTS, Kind, build

__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Kind",
    "Program",
    "Readout",
    "adopt_programs",
    "build",
    "programs",
    "register_program",
]
