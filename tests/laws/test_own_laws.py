"""Laws of a user: what is registered draws as promised, what breaks its promise is refused."""

from collections.abc import Callable

import numpy as np
import pytest

import widthwise
from widthwise.errors import SpecError
from widthwise.laws import adopt_laws, law, law_names, names, registered_laws, require_law
from widthwise.laws.own import register_law

Shape = tuple[int, ...]
Generator = np.random.Generator


def exponential(generator: Generator, shape: Shape) -> np.ndarray:
    return generator.exponential(size=shape) - 1


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_REGISTERED", {})


def test_a_registered_law_is_found_by_name_with_its_code() -> None:
    own = widthwise.register_law("shifted", exponential)
    assert law("shifted") is own
    assert require_law(" shifted ") == "shifted"
    assert registered_laws() == (own,)
    assert "shifted" in law_names()
    assert "generator.exponential(size=shape) - 1" in own.source
    assert own.outside is None
    with pytest.raises(SpecError, match=r"^'shifted\(2\)': shifted takes no parameter"):
        law("shifted(2)")
    with pytest.raises(SpecError, match="did you mean 'shifted'"):
        law("shiftd")


def test_another_process_adopts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = register_law("shifted", exponential)
    monkeypatch.setattr(names, "_REGISTERED", {})
    adopt_laws([own])
    assert law("shifted") is own


@pytest.mark.parametrize("sampler", [Generator.standard_normal, lambda g, s: 2 * g.integers(0, 2, s) - 1])
def test_laws_of_mean_0_and_variance_1_are_accepted(sampler: Callable[[Generator, Shape], np.ndarray]) -> None:
    assert register_law("mine", sampler).sampler is sampler


@pytest.mark.parametrize(
    ("name", "sampler", "message"),
    [
        ("gaussian", exponential, "^register_law: 'gaussian' is taken; choose another name$"),
        ("sparse", exponential, "'sparse' is taken"),
        ("my law", exponential, "'my law' is no name; use letters"),
        ("mine(2)", exponential, "is no name"),
        ("mine", lambda g, s: g.standard_normal(), r"gave shape \(\) when asked for \(262144,\)"),
        ("mine", lambda g, s: g.standard_normal((3, *s)), "gave shape"),
        ("mine", lambda g, s: np.where(g.random(s) < 1e-4, np.inf, 1.0), "not finite"),
        ("mine", lambda g, s: np.where(g.random(s) < 1e-4, np.nan, 1.0), "not finite"),
        (
            "mine",
            lambda g, s: g.exponential(size=s),
            "'mine': mean is 1.00.* over 262144 numbers, not 0 within 0.012; ",
        ),
        (
            "mine",
            lambda g, s: g.random(s) - 0.5,
            "variance is 0.083.*, not 1 within .*divide by the standard deviation",
        ),
        ("mine", lambda g, s: g.standard_normal(s) * 1.02, r"variance is 1\.0[34]"),
        ("mine", lambda g, s: np.zeros(s), "variance is 0 "),
    ],
)
def test_what_breaks_its_promise_is_refused(
    name: str, sampler: Callable[[Generator, Shape], np.ndarray], message: str
) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        register_law(name, sampler)
    assert "\n" not in str(caught.value)
    assert not registered_laws()


def test_a_name_is_registered_once() -> None:
    register_law("mine", exponential)
    with pytest.raises(SpecError, match="'mine' is taken"):
        register_law("mine", exponential)
