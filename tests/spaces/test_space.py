"""What a Space promises: layouts, dtypes, and numbers that depend on seed, width and replicate only."""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from spread import assert_mean_is

from widthwise.spaces import Estimator, FiniteSpace, KetSpace, Space, avg, gram


def products(space: Space) -> torch.Tensor:
    W = space.matrix()
    return W.T(torch.tanh(W(space.vectors(3))))


@pytest.mark.parametrize("width", [64, 40_000])
def test_trial_17_is_trial_17(width: int) -> None:
    """Whatever else is computed beside it, up to the rounding of batched products."""
    alone = products(FiniteSpace(width, 1, first=17))
    together = products(FiniteSpace(width, 3, first=16))
    torch.testing.assert_close(alone[0], together[1], rtol=0, atol=1e-4)
    assert torch.equal(FiniteSpace(width, 1, first=17).vectors(2)[0], FiniteSpace(width, 3, first=16).vectors(2)[1])


@pytest.mark.parametrize("law", ["gaussian", "laplace", "rademacher"])
@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
def test_replicate_5_of_the_limit_is_replicate_5(estimator: Estimator, law: str) -> None:
    alone = KetSpace(1024, 1, first=5, estimator=estimator).vectors(3, law=law)
    assert torch.equal(alone[0], KetSpace(1024, 4, first=3, estimator=estimator).vectors(3, law=law)[2])


def test_both_dtypes_see_the_same_numbers() -> None:
    single, double = (products(FiniteSpace(500, 2, dtype=dtype)) for dtype in (torch.float32, torch.float64))
    assert single.dtype == torch.float32
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-4)


def test_layout_is_replicate_input_coordinate() -> None:
    space = FiniteSpace(30, 4)
    assert space.vectors(5).shape == (4, 5, 30)
    assert space.vector().shape == (4, 1, 30)
    assert space.avg(space.vectors(5)).shape == (4, 5)
    assert space.gram(space.vectors(5), space.vectors(2)).shape == (4, 5, 2)
    assert KetSpace(64, 3).vectors(5).shape == (3, 5, 64)


def test_gram_sums_in_float64_over_blocks() -> None:
    x = FiniteSpace(30_000, 2).vectors(3)
    assert gram(x).dtype == torch.float64
    torch.testing.assert_close(gram(x), x.double() @ x.double().mT / 30_000)
    torch.testing.assert_close(avg(x).double(), x.double().mean(-1), rtol=0, atol=1e-7)


def test_gram_is_differentiable() -> None:
    x = FiniteSpace(10, 1, dtype=torch.float64).vectors(2).requires_grad_()
    assert torch.autograd.gradcheck(gram, (x,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: FiniteSpace(64),
        lambda: FiniteSpace(64, matrix="dense"),
        lambda: FiniteSpace(64, matrix="tiled"),
        lambda: KetSpace(64),
        lambda: KetSpace(64, estimator="derivative"),
    ],
    ids=["revealed", "dense", "tiled", "rqmc", "derivative"],
)
def test_a_space_is_freed_with_its_last_reference(make: Callable[[], Space]) -> None:
    """No circle keeps the arrays of a trial alive until the garbage collector comes by, or for ever."""
    gc.collect()
    gc.disable()
    try:
        space = make()
        W, V, x = space.matrix(), space.matrix(law="rademacher", held="auto"), space.vectors(2)
        h = W.T(torch.tanh(W(x)))
        y = space.outer(lambda x, u: torch.tanh(x * u), W(h * h), V(x))
        space.backprop(space.avg(space.vector() * torch.tanh(y)))
        witnesses = [weakref.ref(each) for each in (space, W._product, W.uses[0].y)]
        del space, W, V, x, h, y
        assert [witness() for witness in witnesses] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
def test_a_scalar_tends_to_its_limit(estimator: Estimator) -> None:
    """By noise z / sqrt(n), z of every trial: mean and variance of 4000 within 5 standard errors, once in 4e5 seeds."""
    assert torch.equal(KetSpace(16, 3, estimator=estimator).scalar(0.7, noise=2.0), torch.full((3,), 0.7))
    for n in (10, 1000):
        scalars = FiniteSpace(n, 4000).scalar(0.7, noise=2.0)
        assert scalars.shape == (4000,)
        z = (scalars - 0.7) / 2 * n**0.5
        assert_mean_is(z, 0.0)
        assert_mean_is(z**2, 1.0)
    assert torch.equal(FiniteSpace(10, 3).scalar(0.7), torch.full((3,), 0.7))


def test_scalars_have_numbers_of_their_own() -> None:
    """Unlike each other and unlike vectors; 3 correlations of 4000, 5 standard errors: once in 5e5."""
    space = FiniteSpace(1, 4000)
    numbers = torch.stack([space.scalar(0.0, 1.0), space.vector()[:, 0, 0], space.scalar(0.0, 1.0)])
    assert (torch.corrcoef(numbers) - torch.eye(3)).abs().max() < 5 * 4000**-0.5


def test_quasi_random_kets_end_in_pseudo_random_ones() -> None:
    """Past the known dimensions, and along constant features."""
    space = KetSpace(16, 2)
    assert torch.isfinite(space.vectors(12)).all()
    for _ in range(5):
        space.vectors(4_239)
    beyond = space.vectors(400)
    # 12,800 normals: mean square 1 within 5 standard errors sqrt(2 / 12,800).
    assert abs(beyond.square().mean() - 1) < 5 * (2 / beyond.numel()) ** 0.5
    U = KetSpace(4096, 1).matrix(features=3)
    assert U.T(torch.ones(1, 2, 4096)).shape == (1, 2, 3)
