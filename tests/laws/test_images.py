"""Images of normal coordinates are quantiles of the law: increasing, odd, exact in both tails."""

import math

import numpy as np
import pytest
import torch
from law_oracles import ALL, CONTINUOUS, SPARSE, check_law
from scipy import special, stats
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import Law, law
from widthwise.laws.images import REACH, image
from widthwise.randomness import numpy_generator

EACH = pytest.mark.parametrize("name", ALL)
Z = torch.cat((torch.logspace(-6, 0, 200, dtype=torch.float64), torch.linspace(1, 9, 1601, dtype=torch.float64)))


def normals(count: int, seed: int) -> Tensor:
    return torch.from_numpy(numpy_generator(seed).standard_normal(count))


@EACH
def test_images_of_normal_coordinates_are_of_the_law(name: str) -> None:
    check_law(name, image(normals(1 << 19, 3), law(name)).numpy())


@EACH
def test_images_are_odd_and_increasing(name: str) -> None:
    z = torch.linspace(0, REACH, 100_001, dtype=torch.float64)[1:]
    x = image(z, law(name))
    assert torch.equal(image(-z, law(name)), -x)
    assert (x.diff() >= 0).all()
    assert x[0] >= 0


@pytest.mark.parametrize("name", CONTINUOUS)
def test_images_have_the_tail_probability_of_the_coordinate(name: str) -> None:
    """Up to 9 standard deviations, a probability of 1e-19: to 1e-9 of the probability on either side."""
    x = image(Z, law(name)).numpy()
    tail = special.ndtr(-Z.numpy())
    found = CONTINUOUS[name].sf(x)
    bounded = name.startswith(("uniform", "truncated"))  # the distance from the end of a bounded law is rounded
    np.testing.assert_allclose(found, tail, rtol=1e-9, atol=1e-15 if bounded else 0)


@pytest.mark.parametrize("name", SPARSE)
def test_a_sparse_image_is_a_wider_normal_outside_its_atom(name: str) -> None:
    density = SPARSE[name]
    x, tail = image(Z, law(name)).numpy(), special.ndtr(-Z.numpy())
    inside = tail >= density / 2
    assert np.all(x[inside] == 0)
    np.testing.assert_allclose(density * stats.norm.sf(x[~inside] * math.sqrt(density)), tail[~inside], rtol=1e-11)


@pytest.mark.parametrize(("nu", "quantile"), [(4, None), (1e6, "gaussian")])
def test_student_images_have_their_closed_forms(nu: float, quantile: str | None) -> None:
    """For nu = 4 by the cosine of a third of an angle (Shaw 2006); for large nu the expansion about the normal law."""
    x = image(Z, law(f"student_t({nu:g})")).numpy()
    if quantile is None:
        tail = special.ndtr(-Z.numpy())
        alpha = 4 * tail * (1 - tail)
        t = 2 * np.sqrt(np.maximum(np.cos(np.arccos(np.sqrt(alpha)) / 3) / np.sqrt(alpha) - 1, 0))
        np.testing.assert_allclose(x, t / math.sqrt(2), rtol=1e-9, atol=1e-7)
    else:
        z = Z.numpy()
        np.testing.assert_allclose(x, z * (1 + (z**2 - 3) / (4 * nu)), rtol=1e-8)


@EACH
def test_dtype_and_shape_are_kept_and_nothing_is_infinite(name: str) -> None:
    z = torch.tensor([[-math.inf, -20.0, -0.0], [0.0, 20.0, math.inf]])
    for dtype in (torch.float32, torch.float64):
        x = image(z.to(dtype), law(name))
        assert x.dtype == dtype
        assert x.shape == z.shape
        assert x.isfinite().all()
    assert image(torch.tensor(0.3), law(name)).shape == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (law("orthogonal"), "^orthogonal: is a law of matrices; only the laws gaussian, "),
        (Law(name="mine", family="mine", sampler=lambda g, shape: np.ones(shape)), "^mine: takes its entries from its"),
    ],
)
def test_laws_without_quantiles_are_refused(given: Law, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        image(torch.zeros(3), given)
