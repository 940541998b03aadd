"""What a network is trained on and how long: the table ``[training]`` of a spec."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny, model_validator

from widthwise.sections import Section
from widthwise.training.named_losses import LossName
from widthwise.training.schedules import Constant, Schedule

Examples = Annotated[int, Field(ge=1, le=4096)]

LABELS = (1, 10)
"""How many outputs labels are known for: the parity of a digit, and which one it is."""


class Training(Section):
    """``steps`` steps on the first inputs; the others are test inputs.

    ``train``: how many inputs are trained on; all where it is left out.
    ``batch``: every step sees so many of them, the next ones in their order, over and over; all where it is left out.
    ``loss``: of each example; the mean over a batch is what is lessened.
    ``outputs``: how many numbers the network gives.
    ``targets``: standard normal numbers; labels of the digits, 1 and -1 for odd and even ones, or of ten outputs 1 for
    the digit and 0 for the rest; or the array ``target_name`` of the file of the inputs, (input, output) or (input,).
    ``centred``: the initial output is subtracted.
    ``tuples``: how many columns the limit of an update that is not linear averages over.
    ``schedule``: what the learning rate is multiplied by at each step.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"steps", "outputs"})

    steps: Annotated[int, Field(ge=1, le=4096)] = 8
    train: Examples | None = None
    batch: Examples | None = None
    loss: LossName = "squared"
    outputs: Annotated[int, Field(ge=1, le=64)] = 1
    targets: Literal["random", "labels", "file"] = "random"
    target_name: str | None = None
    centred: bool = True
    tuples: Annotated[int, Field(ge=1, le=2**30)] = 1024
    schedule: SerializeAsAny[Schedule] = Field(default_factory=Constant)

    @model_validator(mode="after")
    def _require_batches_of_what_is_trained_on(self) -> "Training":
        if self.train is not None and self.batch is not None and self.batch > self.train:
            message = (
                f"batch: {self.batch} is more than the {self.train} inputs that are trained on; leave it out for all"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _require_matching_targets(self) -> "Training":
        if self.targets == "file" and self.target_name is None:
            message = 'target_name: is missing, which targets = "file" needs: the array of targets inside of data.path'
            raise ValueError(message)
        if self.targets != "file" and self.target_name is not None:
            message = f"target_name: has no meaning for targets = {self.targets!r}; it belongs to file"
            raise ValueError(message)
        if self.targets == "labels" and self.outputs not in LABELS:
            message = f"outputs: {self.outputs} has no labels; allowed: 1 (odd or even) or 10 (which digit)"
            raise ValueError(message)
        if self.targets == "random" and self.loss == "cross_entropy":
            message = 'targets: random numbers are no labels, which loss = "cross_entropy" needs; write labels or file'
            raise ValueError(message)
        return self
