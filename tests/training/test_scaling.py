"""``[parametrization]``: the exponents of theory, by name or written, and constants."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from widthwise.errors import SpecError
from widthwise.theory import PRESETS, abcd, uniform
from widthwise.training import PRESETS as NAMES
from widthwise.training import ByKind, Scaling

NTP = {"a": [0, 0.5, "1/2"], "b": [0, 0, 0], "c": ["1/2", 1, "0.5"], "d": ["1/2", "1", "+1/2"]}


def scaling(**table: object) -> Scaling:
    return Scaling.model_validate({k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("matrices", [0, 1, 4])
def test_a_preset_is_that_of_theory(name: str, matrices: int) -> None:
    assert scaling(preset=name).exponents(matrices) == PRESETS[name](matrices + 1)


def test_every_preset_of_theory_has_a_name() -> None:
    assert set(NAMES) == {*PRESETS, "uniform"}
    assert Scaling().exponents(2) == PRESETS["mup"](3)


@pytest.mark.parametrize("s", ["1/3", "0.25", 0, 0.5, "1/2"])
def test_uniform_takes_its_s_as_text_or_number(s: str | float) -> None:
    assert scaling(preset="uniform", s=s).exponents(2) == uniform(3, s)


def test_exponents_by_kind_or_by_layer() -> None:
    assert scaling(**NTP).preset is None
    assert [scaling(**NTP).exponents(m) for m in (1, 3)] == [PRESETS["ntp"](depth) for depth in (2, 4)]
    layers = {key: ["0", "1/3", "1/2", 1] for key in "abcd"}
    assert scaling(**layers).exponents(2) == abcd(**layers, depth=3)
    assert scaling(**layers).exponents(2).hidden[0].a == Fraction(1, 3)


@pytest.mark.parametrize("matrices", [0, 1, 3])
def test_a_number_of_exponents_that_does_not_fit_is_named(matrices: int) -> None:
    layers = {key: [0, 0, 0, 0] for key in "abcd"}
    with pytest.raises(SpecError, match=rf"^parametrization\.a: 4 given, but depth {matrices + 1} takes") as caught:
        scaling(**layers).exponents(matrices)
    assert "\n" not in str(caught.value)


def test_uniform_without_its_s_has_no_exponents() -> None:
    with pytest.raises(SpecError, match=r"^parametrization\.s: is missing, which preset = \"uniform\" needs"):
        scaling(preset="uniform").exponents(1)


def test_equal_exponents_make_equal_sections_and_a_dump_makes_the_same() -> None:
    written = scaling(**{key: [str(Fraction(value)) for value in values] for key, values in NTP.items()})
    assert written == scaling(**NTP)
    for each in (written, Scaling(), scaling(preset="uniform", s=0.25), scaling(rate={"hidden": 2.0})):
        assert Scaling.model_validate(each.model_dump()) == each


def test_constants_by_kind() -> None:
    assert scaling(rate={"hidden": 2}).rate == ByKind(hidden=2.0)
    assert scaling(initial={"output": 0}).initial.output == 0
    for table in ({"multiplier": {"output": 0}}, {"initial": {"hidden": 0}}, {"rate": {"bias": -1}}):
        with pytest.raises(ValidationError, match="greater than 0"):
            scaling(**table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({**NTP, "preset": "ntp"}, "a: has no meaning beside preset = 'ntp'; give a preset or exponents"),
        ({"a": [0, 0, 0]}, "b: is missing; give a, b, c and d or a preset"),
        ({"preset": None}, "a: is missing; give a, b, c and d or a preset"),
        ({"s": "1/4"}, "s: has no meaning for preset = 'mup'; it belongs to uniform"),
        ({**NTP, "s": "1/4"}, "s: has no meaning for preset = None"),
        ({"preset": "uniform", "s": 0.75}, "s: 3/4 is not from 0 to 1/2"),
        ({"preset": "uniform", "s": 0.1}, "0.1 is not exact as a float; write it as text"),
        ({"preset": "uniform", "s": True}, "'True' is not a number such as 0, -1/2 or 0.25"),
        ({**NTP, "a": [0, "x", 0]}, "'x' is not a number such as"),
        ({**NTP, "d": [0, "1/0", 0]}, "'1/0' divides by 0"),
    ],
)
def test_a_mistake_names_its_key(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        scaling(**table)
    assert message in str(caught.value)
