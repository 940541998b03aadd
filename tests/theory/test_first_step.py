"""Powers of the first step: those of the dichotomy where it applies, the symmetry, and by hand where it does not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widthwise.theory import (
    PRESETS,
    FirstStep,
    Parametrization,
    UpdateRule,
    abcd,
    classify,
    effective,
    first_step,
    shifted,
    uniform,
)

HALF = Fraction(1, 2)
exponents = st.sampled_from([Fraction(k, 4) for k in range(-4, 7)])


@st.composite
def parametrizations(draw: st.DrawFn) -> Parametrization:
    depth = draw(st.integers(1, 4))
    lists = st.lists(exponents, min_size=depth + 1, max_size=depth + 1)
    return abcd(a=draw(lists), b=draw(lists), c=draw(lists), d=draw(lists), depth=depth)


def counted(one: Parametrization, *, linear: bool = False) -> FirstStep:
    return first_step(one, linear=linear, centred=True)


@given(parametrizations(), st.data(), st.booleans(), st.booleans(), st.booleans())
def test_what_trains_alike_has_the_same_powers(
    one: Parametrization, data: st.DataObject, linear: bool, centred: bool, decays: bool
) -> None:
    shifts = data.draw(st.lists(exponents, min_size=one.depth + 1, max_size=one.depth + 1))
    if linear:  # of gradients c - d alone matters; the multiplier then moves what Q sees
        one = effective(one, UpdateRule(optimizer="sgd"))
    both = [first_step(each, linear=linear, centred=centred, decays=decays) for each in (one, shifted(one, shifts))]
    assert both[0] == both[1]


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("s", ["0", "1/8", "1/2"])
@pytest.mark.parametrize("linear", [True, False])
def test_stable_and_faithful_ones_are_those_of_the_dichotomy(depth: int, s: str, linear: bool) -> None:
    found, one = classify(uniform(depth, s)), counted(uniform(depth, s), linear=linear)
    assert one.changes == found.feature_exponents
    assert one.function == found.function_exponent
    assert not any((*one.states, *one.update_inputs, *one.next_update_inputs))


@given(parametrizations())
def test_conditions_at_initialisation_hold_where_powers_are_0(one: Parametrization) -> None:
    found, powers = classify(one), counted(one)
    stable = not any(powers.states) and powers.initial_function >= 0
    assert found.stable_at_initialisation == stable
    if not any(powers.states):
        assert found.faithful_at_initialisation == (not any(powers.update_inputs))


def test_the_standard_parametrization_outgrows_itself_layer_by_layer() -> None:
    """All learning rates one: layer 1 moves by 1, layer 2 by n, layer 3 by n times the growth of its input."""
    powers = counted(PRESETS["sp"](3))
    assert powers.update_inputs == (HALF, HALF, HALF, 0)
    assert powers.changes == (0, -1, -2)
    assert powers.function == -3
    assert counted(PRESETS["sp"](1)).function == -1


def test_what_vanishes_on_its_way_gives_small_gradients() -> None:
    """Deep mean field: h_l ~ n^-(l-1)/2, and so do gradients on their way back; Q sees products of both."""
    powers = counted(PRESETS["mean_field"](3))
    assert powers.states == (0, HALF, 1)
    assert powers.update_inputs == (1, HALF, HALF, 1)
    assert counted(PRESETS["mean_field"](3), linear=True).changes == (1, HALF, 1)


def test_gradients_see_an_exploding_function_only_if_it_is_not_subtracted() -> None:
    one = abcd(a=[0, 1], b=[0, -1], c=[0, 1], d=[0, 1], depth=1)
    seen = {centred: first_step(one, linear=False, centred=centred).update_inputs for centred in (True, False)}
    assert seen == {True: (0, 0), False: (-HALF, -HALF)}


def test_weights_that_decay_take_states_and_function_with_them() -> None:
    powers = first_step(PRESETS["ntp"](2), linear=False, centred=True, decays=True)
    assert (powers.changes, powers.function) == ((0, 0), 0)


def test_output_weights_outgrown_by_their_updates_make_gradients_grow() -> None:
    one = abcd(a=[0, 1], b=[0, "1/2"], c=[0, 0], d=["3/2", 1], depth=1)
    powers = counted(one)
    assert powers.update_inputs == (0, 0)
    assert powers.next_update_inputs == (-HALF, 0)
