"""What a Space promises: layouts, dtypes, and numbers that depend on seed, width and replicate only."""

import pytest
import torch

from widthwise.spaces import FiniteSpace, KetSpace, Space, avg, gram


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


@pytest.mark.parametrize("estimator", ["rqmc", "mc"])
def test_replicate_5_of_the_limit_is_replicate_5(estimator: str) -> None:
    alone = KetSpace(1024, 1, first=5, estimator=estimator).vectors(3)  # type: ignore[arg-type]
    assert torch.equal(alone[0], KetSpace(1024, 4, first=3, estimator=estimator).vectors(3)[2])  # type: ignore[arg-type]


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


def test_a_space_is_freed_with_its_last_reference() -> None:
    """No circle keeps the arrays of a trial alive until the garbage collector comes by."""
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        space = FiniteSpace(64, 1)
        W = space.matrix()
        space.backprop(space.avg(space.vector() * torch.tanh(W(space.vectors(2)))))
        witness = weakref.ref(W.uses[0].y)
        del space, W
        assert witness() is None
    finally:
        gc.enable()


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
