"""Exact limits of Jacobians' spectra: of which networks, and of several inputs together."""

import numpy as np
import pytest

from widthwise.experiments.jacobian_limits import DEEPEST, limit_law
from widthwise.models import GRU, MLP, RNN, Architecture, ResNet
from widthwise.theory.cells import borders
from widthwise.theory.jacobi import moments_of

SMALL, LARGE = np.ones((1, 4)), 2 * np.ones((1, 4))
CLIPPED = MLP(depth=3, activation="hard_tanh", weight_variance=1.5)


@pytest.mark.parametrize(
    "model",
    [
        GRU(steps=2),
        MLP(vector_law="rademacher"),
        MLP(depth=2, law="orthogonal"),
        MLP(depth=3, law="orthogonal", ratios=(2.0, 1.0)),
        MLP(activation="step"),
        ResNet(depth=2, activation="step"),
        ResNet(depth=DEEPEST + 1),
        ResNet(law="orthogonal"),
        RNN(steps=2, law="orthogonal"),
    ],
)
def test_of_other_networks_there_is_none(model: Architecture) -> None:
    assert limit_law(model, SMALL) is None


def test_several_inputs_share_one_operator() -> None:
    """One of norm 1 and two of norm 2: moments are means, coefficients are those of the means, and so are cells."""
    parts = [limit_law(CLIPPED, inputs) for inputs in (SMALL, LARGE)]
    together = limit_law(CLIPPED, np.concatenate([LARGE, SMALL, -LARGE]))
    assert together is not None
    moments = np.average([part.moments(4) for part in parts if part], axis=0, weights=[1, 2])
    np.testing.assert_allclose(together.moments(4), moments, rtol=1e-12)
    np.testing.assert_allclose(moments_of(*together.recurrence(2), 4), moments, rtol=1e-6)
    cells = together.cells(borders("even", 512))
    np.testing.assert_allclose([cells.mean(), (cells**2).mean()], moments[:2], rtol=1e-3)


def test_inputs_of_one_norm_have_one_law() -> None:
    law = limit_law(CLIPPED, np.concatenate([SMALL, -SMALL]))
    assert law is not None
    assert law.counts == (2,)


def test_a_branch_has_a_scale() -> None:
    """The first moment of one residual block: 1 + a^2 v avg(d^2), of linear units 1 + a^2 v."""
    law = limit_law(ResNet(depth=2, activation="identity", weight_variance=0.7, branch_scale=0.5), SMALL)
    assert law is not None
    np.testing.assert_allclose(law.moments(2), [1.175, 1 + 4 * 0.175 + 2 * 0.175**2], rtol=1e-6)
