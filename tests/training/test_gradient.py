"""Gradients as outer products: tiles and averages of squares are those of the matrix that is never formed."""

import torch
from made_gradients import entries, made

from widthwise.training.factored import of_entries


def test_a_tile_is_a_part_of_the_matrix() -> None:
    (gradient,) = made(1)
    torch.testing.assert_close(gradient.tile(slice(1, 4)), entries(gradient)[:, 1:4])


def test_a_part_knows_averages_over_the_whole() -> None:
    (gradient,) = made(1)
    part = gradient.first(2, 1)
    torch.testing.assert_close(part.tile(slice(0, 2)), entries(gradient)[:, :2, :1])
    of_rows, of_columns, every = gradient.mean_squares
    for found, expected in zip(part.mean_squares, (of_rows[:, :2], of_columns[..., :1], every), strict=True):
        torch.testing.assert_close(found, expected)


def test_averages_of_squares_are_those_of_the_entries() -> None:
    for gradient in made():
        for value, expected in zip(gradient.mean_squares, of_entries(entries(gradient), 0), strict=True):
            torch.testing.assert_close(value, expected)
        torch.testing.assert_close(gradient.rms(), entries(gradient).square().mean((1, 2)).sqrt())


def test_a_gradient_of_rank_one_and_size_0_has_no_negative_averages() -> None:
    """Rounding of the form may put them below."""
    (gradient,) = made(1)
    cancelling = type(gradient)(
        left=torch.cat([gradient.left, -gradient.left], 1), right=torch.cat([gradient.right] * 2, 1), scale=-2.0
    )
    assert all((each >= 0).all() for each in cancelling.mean_squares)
    assert cancelling.rms().max() < 1e-6
