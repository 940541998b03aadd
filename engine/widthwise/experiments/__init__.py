"""What is measured, and what it is compared with."""

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.registry import EXPERIMENTS, Kind, build

__all__ = ["EXPERIMENTS", "Experiment", "Kind", "Readout", "build"]
