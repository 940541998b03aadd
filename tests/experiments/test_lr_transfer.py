"""Learning-rate transfer: the loss that training ends with, finite however far it diverges."""

import numpy as np
import pytest
import torch

from widthwise.experiments import build
from widthwise.experiments.lr_transfer import MOST, bounded
from widthwise.plan import point_inputs
from widthwise.spaces import FiniteSpace
from widthwise.spec import Spec, points
from widthwise.training import Scaling


def measured(rate: float, experiment: str = "lr_transfer", **tables: dict[str, object]) -> np.ndarray:
    """Losses of 4 trials of width 16, (trial, step)."""
    spec = Spec.model_validate(
        {
            "experiment": experiment,
            "data": {"count": 4},
            "training": {"steps": 5, "centred": False},
            "optimizer": {"learning_rate": rate},
            **tables,
        }
    )
    (inputs,) = point_inputs(points(spec))
    space = FiniteSpace(16, 4, seed=3, dtype=torch.float64)
    return build(experiment, spec.tables, inputs).measure(space)["loss"].detach().numpy()


def test_it_is_the_loss_of_training() -> None:
    np.testing.assert_array_equal(measured(0.1), measured(0.1, "mup_training"))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rate", [1e2, 1e6])
def test_training_that_diverges_counts_as_a_multiple_of_the_loss_at_the_start(optimizer: str, rate: float) -> None:
    table = {"optimizer": {"name": optimizer, "learning_rate": rate}}
    start = measured(rate, "mup_training", **table)[:, 0]
    np.testing.assert_allclose(measured(rate, **table)[:, -1], MOST * start)


def test_each_trial_is_bounded_by_its_own_start() -> None:
    loss = torch.tensor([1.0, torch.inf, torch.nan, 60.0, 50.0])
    assert bounded(loss, torch.tensor([10.0, 20.0, 30.0, 50.0, 50.0])).tolist() == [1, 20, 30, 50, 50]


def test_it_needs_no_limit() -> None:
    preset = {"parametrization": Scaling(preset="sp").model_dump()}
    assert np.isfinite(measured(0.01, **preset)).all()
