"""Randomness by address: same numbers wherever they are asked for, independent everywhere else, of the right law."""

import numpy as np
import pytest
import torch
from scipy import stats

from widthwise.randomness import BLOCK, FINITE, KET, Draw, pseudo_random, sobol, torch_generator

CPU = torch.device("cpu")


def finite(seed: int, width: int, replicates: range) -> Draw:
    return pseudo_random(seed, (FINITE, width), replicates, CPU)


def test_a_replicate_has_the_same_numbers_in_any_company() -> None:
    alone = finite(3, 256, range(17, 18))(5, 4, 256)
    together = finite(3, 256, range(10, 20))(5, 4, 256)
    assert torch.equal(alone[0], together[7])


@pytest.mark.parametrize(
    "other",
    [
        lambda: finite(4, 256, range(1))(0, 2, 256),
        lambda: finite(3, 257, range(1))(0, 2, 256),
        lambda: finite(3, 256, range(1, 2))(0, 2, 256),
        lambda: finite(3, 256, range(1))(2, 2, 256),
        lambda: pseudo_random(3, (KET,), range(1), CPU)(0, 2, 256),
    ],
    ids=["seed", "width", "replicate", "column", "reading"],
)
def test_every_part_of_an_address_counts(other: Draw) -> None:
    # 512 pairs: a correlation above 5 / sqrt(512) would come by chance once in two million.
    x, y = finite(3, 256, range(1))(0, 2, 256).flatten(), other().flatten()
    assert abs(torch.corrcoef(torch.stack([x, y]))[0, 1]) < 5 / 512**0.5


def test_streams_keep_more_than_32_bits_of_their_address() -> None:
    """Torch's own seeding of the CPU generator would make seeds that differ by 2**32 equal."""
    low, high = (torch.randn(8, generator=torch_generator(CPU, seed)) for seed in (5, 5 + 2**32))
    assert not torch.equal(low, high)


def test_normals_are_standard_normal_across_blocks() -> None:
    columns = finite(0, 3 * BLOCK + 7, range(2))(0, 2, 3 * BLOCK + 7).double()
    # Kolmogorov-Smirnov over 4 columns, false alarm 1e-4 each; correlations within 5 standard errors.
    assert min(stats.kstest(column.numpy(), "norm").pvalue for column in columns.flatten(0, 1)) > 1e-4
    assert columns.reshape(4, -1).corrcoef().fill_diagonal_(0).abs().max() < 5 / columns.shape[-1] ** 0.5
    head, tail = columns[..., :BLOCK], columns[..., BLOCK : 2 * BLOCK]
    assert abs((head * tail).mean()) < 5 / head.numel() ** 0.5


def test_sobol_columns_form_a_net_and_do_not_depend_on_how_many_are_asked_for() -> None:
    draw = sobol(1, range(2), CPU)
    columns = draw(0, 6, 4096)
    assert torch.equal(columns[:, 2:5], draw(2, 3, 4096))
    uniform = torch.special.ndtr(columns.double())
    # Every column is stratified: one point in each of 4096 cells (up to the rounding of float32 at cell borders).
    cells = (uniform * 4096).floor().long().clamp(max=4095)
    assert all(len(column.unique()) > 4080 for column in cells.flatten(0, 1))
    # The first two dimensions are a (0, m, 2)-net: one point in each of 64 x 64 boxes.
    boxes = (uniform[0, 0] * 64).floor() * 64 + (uniform[0, 1] * 64).floor()
    assert len(boxes.unique()) > 4080


def test_sobol_long_columns_continue_short_ones() -> None:
    """Apart from the outermost points, which know how many points there are."""
    draw = sobol(1, range(1), CPU)
    long, short = draw(3, 1, 4 * BLOCK)[0, 0], draw(3, 1, BLOCK // 2)[0, 0]
    inner = short.abs() < short.abs().max()
    assert inner.sum() >= BLOCK // 2 - 2
    assert torch.equal(long[: BLOCK // 2][inner], short[inner])
    cells = (torch.special.ndtr(long.double()) * 4096).floor()
    assert cells.unique(return_counts=True)[1].double().std() < 1


def test_the_outermost_sobol_points_do_not_skew_second_moments() -> None:
    """Mean squares of 128 replicates: unbiased within 4 standard errors, and no skewness beyond 4 of sqrt(6 / 128)."""
    squares = sobol(3, range(128), CPU)(0, 1, 1 << 14).double().square().mean((1, 2)).numpy()
    assert abs(squares.mean() - 1) < 4 * squares.std(ddof=1) / 128**0.5
    assert abs(stats.skew(squares)) < 4 * (6 / 128) ** 0.5
    # Left where they fall, these points alone give a standard deviation of 1.7e-4.
    assert squares.std() < 1e-4


def test_sobol_replicates_are_independent_and_unbiased() -> None:
    """Mean of exp(z) over 64 replicates: within 4 standard errors of sqrt(e), and closer than pseudo-random points."""
    means = sobol(2, range(64), CPU)(0, 1, 1024).double().exp().mean((1, 2)).numpy()
    error = np.std(means, ddof=1) / 8
    assert abs(means.mean() - np.exp(0.5)) < 4 * error
    assert error < 0.25 * np.sqrt((np.exp(2) - np.e) / 1024) / 8
    assert len(np.unique(means)) == 64
