"""The distance of independent samples is that of a simulation, for laws with and without gaps, at any number."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from widthwise.reduce.sample_floor import REPETITIONS, mean_square_distance
from widthwise.theory.cells import Spacing, borders, cell_means

Array = np.ndarray
CELLS = 32
RUNS = 100


def gaussian_cells(places: Array) -> Array:
    return -np.diff(stats.norm.pdf(stats.norm.ppf(places))) / np.diff(places)


LAWS: dict[str, tuple[Callable[[Array], Array], Callable[[np.random.Generator, tuple[int, int]], Array]]] = {
    "gaussian": (gaussian_cells, lambda random, shape: random.standard_normal(shape)),
    "uniform": (lambda places: (places[1:] + places[:-1]) / 2, lambda random, shape: random.random(shape)),
    "two atoms": (
        lambda places: np.repeat([0.0, 1.0], CELLS // 2),
        lambda random, shape: 1.0 * (random.random(shape) < 0.5),
    ),
}
EVEN = borders("even", CELLS)


@pytest.mark.parametrize("count", [64, 100, 4096, 65536])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("spacing", ["even", "tails"])
def test_it_is_that_of_a_simulation(spacing: Spacing, law: str, count: int) -> None:
    quantiles, draw = LAWS[law]
    places = borders(spacing, CELLS)
    cells = quantiles(places)
    random = np.random.default_rng(count)
    squares = np.square(cell_means(draw(random, (RUNS, count)), places) - cells) @ np.diff(places)
    # 5 standard errors of both means, a false alarm in 1 of a million; 5 % for what is beyond the outermost cells.
    error = 5 * squares.std() * np.sqrt(1 / RUNS + 1 / REPETITIONS)
    assert abs(mean_square_distance(cells[None], spacing, count) - squares.mean()) <= error + 0.05 * squares.mean()


@pytest.mark.parametrize("count", [1 << 20, 1 << 30])
def test_many_samples_of_the_uniform_law(count: int) -> None:
    # The Cramer-von Mises statistic: mean 1 / 6, variance 1 / 45; 5 standard errors of the repetitions, and 1 / CELLS
    # for what the cells average out.
    found = count * mean_square_distance(LAWS["uniform"][0](EVEN)[None], "even", count)
    assert abs(found - 1 / 6) <= 5 * np.sqrt(1 / 45 / REPETITIONS) + 1 / 6 / CELLS


def test_a_shift_of_atoms_by_less_than_a_cell() -> None:
    # One of the cells beside the gap holds the share d of the other atom: W2^2 = CELLS d^2, d^2 = 1 / (4 n) on average
    # with standard deviation sqrt(2) / (4 n); 5 standard errors.
    found = mean_square_distance(LAWS["two atoms"][0](EVEN)[None], "even", 1 << 30) * (1 << 30) / CELLS
    assert abs(found - 1 / 4) <= 5 * np.sqrt(2 / REPETITIONS) / 4


def test_two_laws_are_averaged_and_a_stretched_one_is_further_away() -> None:
    cells = LAWS["gaussian"][0](EVEN)
    one = mean_square_distance(cells[None], "even", 256)
    assert mean_square_distance(np.stack([cells, 3 * cells]), "even", 256) == pytest.approx((1 + 9) / 2 * one)
    assert mean_square_distance(cells[None] + 7, "even", 256) == pytest.approx(one)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_samples_of_one_atom_are_at_it(count: int) -> None:
    assert mean_square_distance(np.full((1, 5), 2.0), "even", count) == pytest.approx(0.0, abs=1e-24)
    assert mean_square_distance(np.full((1, 1), 2.0), "even", count) == pytest.approx(0.0, abs=1e-24)
