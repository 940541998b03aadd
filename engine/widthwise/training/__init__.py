"""How weights move: update functions, schedules. Names only; their code is loaded when one is built."""

from widthwise.training.optimizer import Optimizer, State, last_update, optimizer, updates
from widthwise.training.options import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Momentum,
    NAdam,
    Nesterov,
    OptimizerOptions,
    RMSProp,
    SignSGD,
)
from widthwise.training.schedules import SCHEDULES, Constant, Cosine, Schedule, Step

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Constant",
    "Cosine",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "OptimizerOptions",
    "RMSProp",
    "Schedule",
    "SignSGD",
    "State",
    "Step",
    "last_update",
    "optimizer",
    "updates",
]
