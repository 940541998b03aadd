"""A matrix on its way from a Gaussian one to another: its ends, its rate, and derivatives along the way."""

from collections.abc import Callable

import pytest
import torch
from spread import assert_mean_is
from torch import Tensor
from torch.autograd import forward_ad

from widthwise.spaces import FiniteSpace, KetSpace, Space

DTYPES = [torch.float32, torch.float64]
LAWS = ["rademacher", "sparse(0.2)", "gaussian", "orthogonal"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_the_ends_are_the_two_matrices_bit_for_bit(end: float, law: str, dtype: torch.dtype) -> None:
    time = torch.tensor(end, dtype=dtype)
    space, twin = FiniteSpace(40, 2, dtype=dtype), FiniteSpace(40, 2, dtype=dtype)
    A, B = space.interpolated(time, law=law, variance=1.2), twin.interpolated(time, law=law, variance=1.2)
    assert (B.gaussian.law.name, B.other.law.name) == ("gaussian", law)
    x = space.vectors(3)
    assert torch.equal(x, twin.vectors(3))
    assert torch.equal(A(x), (B.gaussian(x), B.other(x))[int(end)])
    assert torch.equal(A.T(x), (B.gaussian.T(x), B.other.T(x))[int(end)])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("time", [0.0, 0.3, 1.0])
def test_the_rate_is_the_derivative(time: float, law: str) -> None:
    """By reverse and by forward mode, of the transpose too, in classes of different widths."""
    space = FiniteSpace(12, 2, dtype=torch.float64)
    t = torch.tensor(time, dtype=torch.float64, requires_grad=True)
    A = space.interpolated(t, space.dim("rows", 2.0), law=law)
    x, y = space.vectors(3), space.vectors(3, space.dim("rows", 2.0))
    for product, rate, v in ((A(x), A.rate(x), y), (A.T(y), A.T.rate(y), x)):
        torch.testing.assert_close(space.derivative((product * v).sum(), t), (rate * v).sum())
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(t.detach(), torch.ones_like(t))
        there = type(A)(gaussian=A.gaussian, other=A.other, time=dual)
        torch.testing.assert_close(forward_ad.unpack_dual(there(x)).tangent, A.rate(x))
    torch.testing.assert_close(space.gram(y, A(x)) * 2, space.gram(A.T(y), x))


def scalar(space: Space, time: Tensor) -> Tensor:
    A, x = space.interpolated(time), space.vectors(2)
    return space.avg(torch.sin(A.T(torch.tanh(A(x))) + x) * x)


def test_dc_dt_is_a_difference_quotient() -> None:
    """In float64: central differences of step 1e-5 have an error of 1e-10, and 1e-11 of rounding.

    Dense: what a revealed matrix answers belongs to the questions of one time.
    """

    def at(time: float) -> tuple[Tensor, Tensor]:
        space = FiniteSpace(20, 2, dtype=torch.float64, matrix="dense")
        t = torch.full((2, 1, 1), time, dtype=torch.float64, requires_grad=True)
        c = scalar(space, t)
        return c.detach().sum(1), space.derivative(c, t)[:, 0, 0]

    step = 1e-5
    quotient = (at(0.4 + step)[0] - at(0.4 - step)[0]) / (2 * step)
    torch.testing.assert_close(at(0.4)[1], quotient, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FiniteSpace(1000, 32),
        lambda: KetSpace(1 << 14, 32),
        lambda: KetSpace(1 << 14, 32, estimator="derivative"),
    ],
    ids=["width 1000", "rqmc", "derivative"],
)
def test_scalars_stand_still_along_the_way(make: Callable[[], Space]) -> None:
    """NGTP section 5: dc/dt tends to 0. 5 standard errors of 32 replicates: a false alarm once in 5e4 seeds."""
    space = make()
    time = torch.full((32, 1, 1), 0.4, requires_grad=True)
    rates = space.derivative(scalar(space, time), time).flatten()
    assert_mean_is(rates, 0.0)
    assert rates.std() < (0.2 if space.width else 0.05)


def test_dc_dt_shrinks_like_the_square_root_of_the_width() -> None:
    """A factor 4 in width halves it: within 5 standard errors of the deviation of 400 trials, 1 / sqrt(800) each."""
    deviations = []
    for n in (64, 256):
        space = FiniteSpace(n, 400)
        time = torch.full((400, 1, 1), 0.4, requires_grad=True)
        deviations.append(float(space.derivative(scalar(space, time), time).std()))
    assert abs(deviations[0] / deviations[1] / 2 - 1) < 5 * 400**-0.5
