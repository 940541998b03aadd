"""Parametrizations, their symmetry, and the dichotomy: exact statements about exact exponents."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widthwise.errors import SpecError
from widthwise.theory import (
    PRESETS,
    Classification,
    Exponents,
    Parametrization,
    UpdateRule,
    abcd,
    canonical,
    classify,
    effective,
    equivalent,
    for_normalised,
    shifted,
    uniform,
)

HALF = Fraction(1, 2)
RULES = [
    UpdateRule(),
    UpdateRule(optimizer="sgd"),
    UpdateRule(normalise="update"),
    UpdateRule(clip=["1/4"] * 3),
    UpdateRule(optimizer="sgd", clip=["1/4"] * 3),
]
exponents = st.sampled_from([Fraction(k, 4) for k in range(-6, 9)])


@st.composite
def parametrizations(draw: st.DrawFn, depth: int | None = None) -> Parametrization:
    """Anything."""
    depth = draw(st.integers(1, 4)) if depth is None else depth
    lists = st.lists(exponents, min_size=depth + 1, max_size=depth + 1)
    return abcd(a=draw(lists), b=draw(lists), c=draw(lists), d=draw(lists), depth=depth)


@st.composite
def likely(draw: st.DrawFn) -> Parametrization:
    """Often stable, faithful and nontrivial; at initialisation stable and faithful but for exponents of the input."""
    reaches = draw(st.lists(st.sampled_from([Fraction(k, 4) for k in (-1, 0, 0, 1, 2, 3)]), min_size=1, max_size=4))
    output, pace = draw(st.sampled_from(["1/2", "3/4", "1", "5/4"])), draw(st.sampled_from(["3/4", "1", "1", "5/4"]))
    one = constructed(reaches, Fraction(output), Fraction(pace))
    b, d = (draw(st.sampled_from([Fraction(0)] * 3 + [Fraction(1, 4)])) for _ in range(2))
    first = replace(one.input, b=one.input.b + b, d=one.input.d + d)
    return shifted(replace(one, input=first), draw(st.lists(exponents, min_size=one.depth + 1, max_size=one.depth + 1)))


def constructed(reaches: list[Fraction], output: Fraction, pace: Fraction) -> Parametrization:
    """No multipliers, stable and faithful at initialisation; r of each layer, a + b and a + c of the output."""
    hidden = len(reaches) - 1
    return abcd(
        a=[0] * (hidden + 2),
        b=[0, *[HALF] * hidden, output],
        c=[reaches[0], *(r + 1 for r in reaches[1:]), pace],
        d=[*[output] * (hidden + 1), 0],
        depth=hidden + 1,
    )


def facts(found: Classification) -> tuple[object, ...]:
    return (
        found.stable,
        found.stable_at_initialisation,
        found.faithful,
        found.faithful_at_initialisation,
        found.nontrivial,
        found.regime,
        found.exponents,
        found.feature_exponents,
        found.function_exponent,
    )


@pytest.mark.parametrize(
    ("name", "a", "b", "c", "d"),
    [
        ("mup", "0 0 1", "0 1/2 0", "0 1 0", "1 1 1"),
        ("ntp", "0 1/2 1/2", "0 0 0", "1/2 1 1/2", "1/2 1 1/2"),
        ("sp", "0 0 0", "0 1/2 1/2", "0 0 0", "0 0 0"),
        ("mean_field", "0 1 1", "0 0 0", "0 0 0", "1 2 1"),
    ],
)
@pytest.mark.parametrize("depth", [2, 5])
def test_presets_are_the_table(name: str, a: str, b: str, c: str, d: str, depth: int) -> None:
    assert PRESETS[name](depth) == abcd(a=a.split(), b=b.split(), c=c.split(), d=d.split(), depth=depth)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_maximal_update_learns_features_and_neural_tangent_is_in_the_operator_regime(depth: int) -> None:
    for name, regime, r in (("mup", "feature_learning", 0), ("ntp", "operator", HALF)):
        for optimizer in ("adaptive", "sgd"):
            found = classify(PRESETS[name](depth), UpdateRule(optimizer=optimizer))
            assert facts(found) == (*[True] * 5, regime, (*[r] * depth, 0), (r,) * depth, 0)
            assert all(condition.holds for condition in found.conditions)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_standard_explodes(depth: int) -> None:
    found = classify(PRESETS["sp"](depth))
    assert found.stable_at_initialisation
    assert not any((found.stable, found.faithful, found.faithful_at_initialisation))
    assert (found.nontrivial, found.regime) == (True, None)
    failing = {
        condition.statement for condition in found.conditions if condition.claim == "stable" and not condition.holds
    }
    last = depth + 1
    assert failing == {f"a_{last} + c_{last} >= 1", f"a_{last} + b_{last} + r >= 1"} | (
        {"r >= 0"} if depth > 1 else set()
    )


def test_mean_field_is_maximal_update_but_for_hidden_matrices_that_start_too_small() -> None:
    assert PRESETS["mean_field"](1) == PRESETS["mup"](1)
    deep, mup = PRESETS["mean_field"](3), PRESETS["mup"](3)
    assert canonical(deep).hidden == (Exponents(a=Fraction(0), b=Fraction(1), c=Fraction(1), d=Fraction(1)),) * 2
    assert (canonical(deep).input, canonical(deep).output) == (canonical(mup).input, canonical(mup).output)
    failing = [condition for condition in classify(deep).conditions if not condition.holds]
    assert [condition.name for condition in failing] == ["preactivations 2", "preactivations 3"]
    assert [condition.claim for condition in failing] == ["stable at initialisation"] * 2


@pytest.mark.parametrize(
    ("a", "b", "c", "depth", "stable", "regime", "r"),
    [
        ("0 0 0", "0 1/2 1/2", "0", 3, False, None, -1),
        ("0 0 0", "0 1/2 1/2", "1", 3, True, "operator", HALF),
        ("0 1/2 1/2", "0 0 0", "0", 3, True, "operator", HALF),
        ("0 1", "0 0", "-1", 1, True, "feature_learning", 0),
        ("-1/2 0 1/2", "1/2 1/2 1/2", "0", 3, True, "feature_learning", 0),
        ("-1/2 0 1/2", "1/2 1/2 1/2", "1", 3, True, None, 1),
    ],
)
def test_table_1_of_tp4(a: str, b: str, c: str, depth: int, stable: bool, regime: str | None, r: Fraction) -> None:
    """The abc-parametrizations of SGD: standard, that with rate 1/n, NTP, mean field, muP; and a trivial one."""
    counts = len(a.split())
    one = abcd(a=a.split(), b=b.split(), c=[c] * counts, d=[0] * counts, depth=depth)
    found = classify(one, UpdateRule(optimizer="sgd"))
    assert (found.stable, found.faithful, found.regime, found.feature_exponents[-1]) == (stable, True, regime, r)


@given(st.integers(1, 4), st.data())
def test_sgd_agrees_with_the_formulas_of_tp4(depth: int, data: st.DataObject) -> None:
    a, b = (data.draw(st.lists(exponents, min_size=depth + 1, max_size=depth + 1)) for _ in range(2))
    c = data.draw(exponents)
    found = classify(abcd(a=a, b=b, c=[c] * (depth + 1), d=[0] * (depth + 1), depth=depth), UpdateRule(optimizer="sgd"))
    signal = min(a[-1] + b[-1], 2 * a[-1] + c)
    r = signal + c - 1 + min(2 * a[layer] + (layer == 0) for layer in range(depth))
    ready = a[0] + b[0] == 0 and all(a[k] + b[k] == HALF for k in range(1, depth)) and a[-1] + b[-1] >= HALF
    assert found.feature_exponents[-1] == r
    assert found.stable_at_initialisation == ready
    assert found.stable == (ready and r >= 0 and 2 * a[-1] + c >= 1 and a[-1] + b[-1] + r >= 1)
    if found.stable:
        assert found.nontrivial == (a[-1] + b[-1] + r == 1 or 2 * a[-1] + c == 1)


@given(parametrizations())
def test_exponents_are_the_largest_of_all_powers(one: Parametrization) -> None:
    """Layer by layer: an update acts on a correlated input, and a layer at initialisation hands a change on."""
    change = None
    for index, layer in enumerate(one.layers):
        mine = -layer.a - layer.c + (index > 0)
        if index == one.depth:
            handed = 1 - layer.a - layer.b + (change or 0)
            assert classify(one).function_exponent == -max(mine, handed)
        else:
            change = mine if change is None else max(mine, change)
            assert classify(one).feature_exponents[index] == -change


@given(likely())
def test_dichotomy(one: Parametrization) -> None:
    found = classify(one)
    sensible = found.stable and found.faithful and found.nontrivial
    assert (found.regime is not None) == sensible
    assert sensible == all(condition.holds for condition in found.conditions)
    if sensible:
        assert found.function_exponent == 0
        assert (found.regime == "feature_learning") == (found.feature_exponents[-1] == 0)
        assert (found.regime == "operator") == (found.feature_exponents[-1] > 0)
        # who learns features starts from the zero function
        assert one.output.a + one.output.b >= (1 if found.regime == "feature_learning" else HALF)


def test_both_regimes_and_all_failures_occur() -> None:
    quarters = [Fraction(k, 4) for k in range(5)]
    found = [
        classify(constructed([first, second], output, pace))
        for first, second, output, pace in product(quarters, quarters, quarters[2:], [*quarters[3:], Fraction(5, 4)])
    ]
    regimes = [each.regime for each in found]
    # Of 25 pairs of r the smaller one is 0, 1/4, 1/2, 3/4, 1 for 9, 7, 5, 3, 1; it must be at least 1 - (a + b).
    # At a + c = 1 any of these is nontrivial, at 5/4 only equality.
    assert regimes.count("feature_learning") == 9 + 9
    assert regimes.count("operator") == (16 + 16 + 9) + (0 + 7 + 5)
    assert {(each.stable, each.nontrivial) for each in found} == {(True, True), (True, False), (False, True)}


@given(parametrizations(2), st.lists(exponents, min_size=3, max_size=3))
def test_a_shift_changes_nothing(one: Parametrization, shifts: list[Fraction]) -> None:
    other = shifted(one, shifts)
    assert equivalent(one, other)
    for rule in RULES:
        assert facts(classify(one, rule)) == facts(classify(other, rule))
        assert equivalent(effective(one, rule), effective(other, rule))


def test_a_change_of_one_exponent_is_not_a_shift() -> None:
    assert not equivalent(PRESETS["mup"](2), PRESETS["ntp"](2))
    assert not equivalent(uniform(2, 0), uniform(2, "1/4"))


@given(st.integers(1, 4), st.fractions(0, HALF, max_denominator=60))
def test_uniform_interpolates(depth: int, s: Fraction) -> None:
    found = classify(uniform(depth, s))
    regime = "feature_learning" if s == 0 else "operator"
    assert facts(found) == (*[True] * 5, regime, (*[s] * depth, 0), (s,) * depth, 0)
    sides = {condition.name: condition.left_value for condition in found.conditions}
    assert sides["change by output weights"] == sides["change by features"] == 1
    assert equivalent(uniform(depth, s), constructed([s] * depth, 1 - s, Fraction(1)))  # the only one, up to shifts


def test_uniform_ends_in_maximal_update_and_neural_tangent() -> None:
    for depth in (1, 2, 4):
        assert equivalent(uniform(depth, 0), PRESETS["mup"](depth))
        assert equivalent(uniform(depth, "1/2"), PRESETS["ntp"](depth))


@given(parametrizations(), st.sampled_from(["update", "weight"]), st.sampled_from(["adaptive", "sgd"]))
def test_what_is_meant_for_normalised_updates_has_the_sizes_of_plain_ones(
    one: Parametrization, by: str, optimizer: str
) -> None:
    rule = UpdateRule(optimizer=optimizer, normalise=by)
    rates = [layer.c for layer in one.layers]
    assert [layer.c for layer in effective(for_normalised(one, by), rule).layers] == rates
    if optimizer == "adaptive":
        assert facts(classify(for_normalised(one, by), rule)) == facts(classify(one))


def test_rates_of_maximal_update_for_normalised_updates() -> None:
    for by, rates in (("update", [-HALF, 0, 0, -HALF]), ("weight", [0, HALF, HALF, 0])):
        assert [layer.c for layer in for_normalised(PRESETS["mup"](3), by).layers] == rates


@pytest.mark.parametrize(
    ("clip", "rates"),
    [
        (["1/2", 1, "1/2"], [0, 1, 1, 0]),
        ([1, 2, 1], [0, 1, 1, 0]),
        ([0, 0, 0], [HALF, 2, 2, HALF]),
        ([0, 1, 1, "1/4"], [HALF, 1, 1, Fraction(1, 4)]),
    ],
)
def test_clipping_acts_below_the_norm_of_an_update(clip: list[int | str], rates: list[Fraction]) -> None:
    mup = PRESETS["mup"](3)
    for optimizer in ("adaptive", "sgd"):
        found = effective(mup, UpdateRule(optimizer=optimizer, clip=clip))
        assert [layer.c for layer in found.layers] == rates


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, "1"), (0.25, "1/4"), ("0.1", "1/10"), ("-1/2", "-1/2"), (" +3/6 ", "1/2"), (Fraction(2, 3), "2/3")],
)
def test_exponents_are_read_exactly(value: float | str | Fraction, expected: str) -> None:
    one = abcd(a=[value, 0], b=[0, 0], c=[0, 0], d=[0, 0], depth=1)
    assert one.input.a == Fraction(expected)


@pytest.mark.parametrize("value", [0.1, "x", "", "1/0", "1/-2", "1e9", "nan", float("nan"), float("inf"), None, [1]])
def test_what_is_no_exponent_is_refused(value: object) -> None:
    with pytest.raises(SpecError, match=r"^b\[1\]: ") as caught:
        abcd(a=[0, 0], b=[0, value], c=[0, 0], d=[0, 0], depth=1)  # type: ignore[list-item]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: PRESETS["mup"](0), "depth: 0 is below 1"),
        (lambda: abcd(a=[], b=[], c=[], d=[], depth=-1), "depth: -1 is below 1"),
        (lambda: uniform(2, "3/4"), "s: 3/4 is not from 0 to 1/2"),
        (lambda: uniform(2, -1), "s: -1 is not from 0 to 1/2"),
        (lambda: abcd(a=[0] * 3, b=[0], c=[0], d=[0], depth=1), r"a: 3 given, but depth 1 takes 2 \(one per layer\)"),
        (lambda: shifted(uniform(3, 0), [0, 1]), "shifts: 2 given, but depth 3 takes 4 .* or 3"),
        (lambda: UpdateRule(optimizer="adam"), "optimizer: 'adam' is not known; allowed: adaptive, sgd"),  # type: ignore[arg-type]
        (lambda: UpdateRule(normalise="rows"), "normalise: 'rows' is not known; allowed: update, weight"),  # type: ignore[arg-type]
        (lambda: UpdateRule(normalise="update", clip=[0, 0]), "clip: normalised updates all have one norm"),
        (lambda: classify(uniform(2, 0), UpdateRule(clip=[0])), "clip: 1 given, but depth 2 takes 3"),
    ],
)
def test_what_cannot_be_used_is_named(call: object, part: str) -> None:
    with pytest.raises(SpecError, match=part):
        call()  # type: ignore[operator]
