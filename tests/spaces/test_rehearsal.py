"""Rehearsals: a program run again sees the numbers that it drew, and its matrices as they have become; powers of n."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, Holding, KetSpace, Matrix, Space, Strategy

READINGS: Mapping[str, Callable[[], Space]] = {
    "revealed": lambda: FiniteSpace(12, 2, matrix="revealed", dtype=torch.float64),
    "dense": lambda: FiniteSpace(12, 2, matrix="dense", dtype=torch.float64),
    "kets": lambda: KetSpace(64, 2, dtype=torch.float64),
}


def program(space: Space, inputs: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """An MLP whose matrix is used twice, with a bias, an initial vector and a scalar."""
    w, u = space.matrix(), space.matrix(features=3)
    bias = space.bias(0.5)
    x = torch.tanh(bias(w(torch.tanh(u(space.constant(torch.eye(3)[:inputs]))))))
    return w.T(x) + space.vector(), x, space.scalar(1.0, 1.0)


def same(index: int, matrix: Matrix) -> Matrix:
    return matrix


class Doubled:
    """Products with twice a matrix."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        return 2 * self._strategy.multiply(x, transposed=transposed)


@pytest.mark.parametrize("make", READINGS.values(), ids=READINGS)
def test_a_program_run_again_gives_the_same(make: Callable[[], Space]) -> None:
    space = make().rehearsal()
    first = program(space.again(same))
    for one, other in zip(first, program(space.again(same)), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("make", READINGS.values(), ids=READINGS)
def test_other_inputs_meet_the_same_matrices(make: Callable[[], Space]) -> None:
    space = make().rehearsal()
    few, _, _ = program(space.again(same), 2)
    more, _, _ = program(space.again(same), 3)
    torch.testing.assert_close(more[:, :2], few)


@pytest.mark.parametrize("make", READINGS.values(), ids=READINGS)
def test_without_a_rehearsal_everything_is_drawn_anew(make: Callable[[], Space]) -> None:
    space = make()
    first, second = program(space), program(space)
    assert all(not torch.equal(one, other) for one, other in zip(first[:2], second[:2], strict=True))
    assert len(space.matrices) == 6


@pytest.mark.parametrize("make", READINGS.values(), ids=READINGS)
def test_matrices_are_as_they_have_become(make: Callable[[], Space]) -> None:
    """By their index in the order in which the program makes them; biases where they are first used."""
    space = make().rehearsal()
    seen: list[bool] = []

    def change(index: int, matrix: Matrix) -> Matrix:
        seen.append(matrix.is_bias)
        return matrix.changed(Doubled) if index == 1 else matrix

    _, _, scalar = program(space.again(same))
    changed = space.again(change)
    _, x, again = program(changed)
    assert seen == [False, False, True]
    torch.testing.assert_close(scalar, again)
    plain = space.again(same)
    matrix, features = plain.matrix(), plain.matrix(features=3)
    expected = torch.tanh(plain.bias(0.5)(matrix(torch.tanh(2 * features(plain.constant(torch.eye(3)[:2]))))))
    torch.testing.assert_close(x, expected)


def test_uses_belong_to_one_run() -> None:
    space = FiniteSpace(12, 2).rehearsal()
    one, other = space.again(lambda _, m: m.changed(Doubled)), space.again(lambda _, m: m.changed(Doubled))
    program(one)
    program(other)
    assert [len(matrix.uses) for matrix in one.matrices] == [len(matrix.uses) for matrix in other.matrices] == [2, 1, 1]


@pytest.mark.parametrize(("asked", "found"), [("auto", "dense"), ("revealed", "revealed")])
def test_a_rehearsal_holds_matrices_as_it_is_told_unless_the_space_says_otherwise(asked: Holding, found: str) -> None:
    assert FiniteSpace(16, matrix=asked).rehearsal("dense").matrix().choice.held == found


@pytest.mark.parametrize(("exponent", "limit"), [(0, 1.0), (Fraction(-1, 2), 0.0), (-1, 0.0)])
def test_powers_of_the_width(exponent: Fraction | int, limit: float) -> None:
    assert FiniteSpace(16).power(exponent) == pytest.approx(16.0 ** float(exponent))
    assert KetSpace(16).power(exponent) == limit


def test_a_power_that_grows_has_no_limit() -> None:
    assert FiniteSpace(16).power(Fraction(1, 2)) == 4
    with pytest.raises(ProgramError, match=r"^power: n\^1/2 has no limit; give an exponent that is 0 or less$"):
        KetSpace(16).power(Fraction(1, 2))


def test_hats_and_dots_apart_cannot_train() -> None:
    matrix = KetSpace(16, estimator="derivative").matrix()
    with pytest.raises(ProgramError, match="estimator 'derivative' cannot train"):
        matrix.changed(Doubled)
