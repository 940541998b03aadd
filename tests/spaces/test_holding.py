"""How a matrix is held: what the choice depends on, what is said of it, and what cannot be."""

import pytest
import torch

from widthwise.errors import ProgramError
from widthwise.laws import law, law_names
from widthwise.spaces import FiniteSpace, Holding, KetSpace, holding

ENTRYWISE = sorted(set(law_names()) - {"gaussian", "orthogonal"})


@pytest.mark.parametrize("name", ["gaussian", "orthogonal"])
def test_what_can_be_revealed_is(name: str) -> None:
    choice = FiniteSpace(10).matrix(law=name).choice
    assert choice.held == "revealed"
    assert "only where it is looked at" in choice.reason
    assert choice.bytes == 0
    assert not choice.asked


@pytest.mark.parametrize("name", ENTRYWISE)
def test_entries_of_other_laws_are_kept_while_they_fit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all replicates and matrices of the space; a smaller matrix may still fit behind a larger one."""
    monkeypatch.setattr(holding, "ENTRY_BYTES", 4 * 3 * (100 + 50))
    space = FiniteSpace(10, 3)
    half = space.dim("half", 0.5)
    choices = [space.matrix(*dims, law=name).choice for dims in ((), (), (half,), (half, half))]
    assert [choice.held for choice in choices] == ["dense", "tiled", "dense", "tiled"]
    assert [choice.bytes for choice in choices] == [1200, 0, 600, 0]
    assert choices[0].reason.startswith(f"entries of the law {law(name).name} fit into")
    assert choices[1].reason.startswith(f"entries of the law {law(name).name} do not fit into")


def test_features_are_few_columns() -> None:
    choice = FiniteSpace(10, 2).matrix(features=3, law="uniform").choice
    assert (choice.held, choice.reason, choice.bytes) == ("dense", "few columns", 240)


@pytest.mark.parametrize("held", ["dense", "tiled", "revealed"])
def test_what_is_asked_for_is_done(held: Holding) -> None:
    """For one matrix, or for all of a space unless one says otherwise."""
    for choice in (
        FiniteSpace(10).matrix(held=held).choice,
        FiniteSpace(10, matrix=held).matrix().choice,
        FiniteSpace(10, matrix="dense").matrix(held=held).choice,
    ):
        assert (choice.held, choice.reason, choice.asked) == (held, "asked for", True)
        assert choice.bytes == (400 if held == "dense" else 0)


@pytest.mark.parametrize(
    ("held", "name", "features", "message"),
    [
        ("revealed", "rademacher", None, r"'revealed' needs the law 'gaussian' or 'orthogonal', not 'rademacher'"),
        ("revealed", "uniform", 3, r"'revealed' needs the law"),
        ("tiled", "gaussian", 3, r"'tiled' is not for a matrix of features"),
        ("tiled", "orthogonal", None, r"'tiled' is not for an orthogonal matrix"),
        ("dense", "orthogonal", None, r"'dense' is not for an orthogonal matrix"),
    ],
)
def test_what_cannot_be_held_so_is_refused(held: Holding, name: str, features: int | None, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        FiniteSpace(10).matrix(law=name, features=features, held=held)


def test_the_limit_says_what_it_depends_on() -> None:
    """Whatever is asked for at finite width."""
    space = KetSpace(16)
    matrix, features = space.matrix(law="rademacher", held="tiled"), space.matrix(features=2, law="rademacher")
    haar = space.matrix(law="orthogonal")
    assert (matrix.choice.held, features.choice.held, haar.choice.held) == ("revealed", "dense", "revealed")
    assert matrix.choice.reason == "the limit depends on the variance of a matrix only"
    assert features.choice.reason == "the limit depends on the law of features"
    assert haar.choice.reason == "the limit of a Haar matrix"
    with pytest.raises(ProgramError, match="limit of a rectangular orthogonal matrix is not known"):
        space.matrix(space.dim("a", 2.0), law="orthogonal")


@pytest.mark.parametrize("preference", ["tiled", "dense"])
def test_a_space_prefers_what_a_matrix_can_be(preference: Holding) -> None:
    """Features have few columns and orthogonal entries are dependent; the others are held as preferred."""
    space = FiniteSpace(8, matrix=preference)
    features, square, haar = space.matrix(features=3), space.matrix(), space.matrix(law="orthogonal")
    assert square.choice.held == preference
    assert features.choice.held == ("revealed" if preference == "tiled" else "dense")
    assert haar.choice.held == "revealed"


def test_entries_of_a_transpose_are_the_transpose_of_the_entries() -> None:
    space = FiniteSpace(6, 2)
    w = space.matrix(space.dim("rows", 2.0), law="uniform")
    assert torch.equal(space.entries(w.T), space.entries(w).mT)
