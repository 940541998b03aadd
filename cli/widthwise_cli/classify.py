"""``widthwise classify``: what training with a parametrization does in wide networks, by exact arithmetic."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, cast

from rich.table import Table
from typer import Option

from widthwise.errors import SpecError
from widthwise_cli.output import print_json, print_result

if TYPE_CHECKING:
    from widthwise.theory import Classification, Parametrization, UpdateRule
    from widthwise.theory.update_rules import Norm, Optimizer

DEPTH = 3
"""Of a preset, where none is given."""

REGIMES = {
    "feature_learning": "feature learning",
    "operator": "operator regime",
    None: "neither feature learning nor operator regime",
}

NORMALISED = {"update": "normalised updates", "weight": "updates in proportion to weights"}


def classify(
    preset: Annotated[
        str | None, Option(help="mup, ntp, sp, mean_field, or uniform with --s.", show_default=False)
    ] = None,
    s: Annotated[str | None, Option(help="Of uniform: from 0 (mup) to 1/2 (ntp).", show_default=False)] = None,
    depth: Annotated[
        int | None, Option(help="Hidden layers.", show_default=f"{DEPTH}, or as many as the lists have")
    ] = None,
    a: Annotated[str | None, Option(help="Multiplier n^-a of each layer, a list.", show_default=False)] = None,
    b: Annotated[str | None, Option(help="Initial entries of size n^-b, a list.", show_default=False)] = None,
    c: Annotated[str | None, Option(help="Learning rate n^-c, a list.", show_default=False)] = None,
    d: Annotated[
        str | None,
        Option(help="Multiplier n^d of gradients, a list; 0 for sgd.", show_default=False),
    ] = None,
    optimizer: Annotated[str, Option(help="adaptive (any entrywise update function) or sgd.")] = "adaptive",
    normalise: Annotated[
        str | None,
        Option(
            help="update: divide each layer's update by its norm; weight: then multiply by that of the weights.",
            show_default=False,
        ),
    ] = None,
    clip: Annotated[
        str | None, Option(help="Clip each layer's update at the norm n^k: one k or a list.", show_default=False)
    ] = None,
    json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Say whether a parametrization is stable, faithful and nontrivial, and whether it learns features.

    At width n weights are n^-a w. A list has one exponent per layer, or three: input, hidden and output.

    With --normalise the c of a preset is adapted, that of a list is taken as it is.

    widthwise classify --preset mup --depth 3

    widthwise classify --preset uniform --s 1/4 --json

    widthwise classify --a 0,0,1 --b 0,1/2,0 --c 0,1,0 --d 1,1,1
    """
    from widthwise.theory import UpdateRule, for_normalised
    from widthwise.theory import classify as classified

    lists = {"--a": a, "--b": b, "--c": c, "--d": d}
    if d is None and optimizer == "sgd":
        del lists["--d"]
    if preset is None:
        chosen = _from_lists(lists, depth, s)
    else:
        chosen = _from_preset(preset, DEPTH if depth is None else depth, s, lists)
    thresholds = None if clip is None else clip.split(",")
    if thresholds is not None and len(thresholds) == 1:
        thresholds *= chosen.depth + 1
    rule = UpdateRule(optimizer=cast("Optimizer", optimizer), normalise=cast("Norm | None", normalise), clip=thresholds)
    if preset is not None and rule.normalise is not None:
        chosen = for_normalised(chosen, rule.normalise)
    found = classified(chosen, rule)
    if json:
        print_json(_document(found, rule, preset))
    else:
        print_result(_headline(found, rule, preset))
        print_result("")
        print_result(_layers(found))
        print_result(_changes(found))
        print_result("")
        print_result(_conditions(found))


def _from_preset(preset: str, depth: int, s: str | None, lists: dict[str, str | None]) -> "Parametrization":
    from widthwise.theory import PRESETS, uniform

    if preset not in (*PRESETS, "uniform"):
        message = f"--preset: {preset!r} is not known; allowed: {', '.join((*PRESETS, 'uniform'))}"
        raise SpecError(message)
    if given := [key for key, value in lists.items() if value is not None]:
        message = f"{given[0]}: has no meaning beside --preset {preset}; give a preset or exponents"
        raise SpecError(message)
    if (s is None) == (preset == "uniform"):
        rule = f"has no meaning for --preset {preset}" if s is not None else "is missing; give it from 0 to 1/2"
        message = f"--s: {rule}"
        raise SpecError(message)
    return PRESETS[preset](depth) if s is None else uniform(depth, s)


def _from_lists(lists: dict[str, str | None], depth: int | None, s: str | None) -> "Parametrization":
    from widthwise.theory import PRESETS, abcd

    if missing := [key for key, value in lists.items() if value is None]:
        names = f"--preset ({', '.join((*PRESETS, 'uniform'))})"
        message = f"{missing[0]}: is missing; give {', '.join(lists)} or a {names}"
        raise SpecError(message)
    if s is not None:
        message = f"--s: {s!r} has no meaning beside exponents; give it with --preset uniform"
        raise SpecError(message)
    split = {key: str(value).split(",") for key, value in lists.items()}
    layers = max(map(len, split.values()))
    depth = max(layers - 1, 1) if depth is None else depth
    return abcd(a=split["--a"], b=split["--b"], c=split["--c"], d=split.get("--d", ["0"] * (depth + 1)), depth=depth)


def _document(found: "Classification", rule: "UpdateRule", preset: str | None) -> dict[str, object]:
    """Exponents are texts, such as 1/2, that the options take."""
    return {
        "preset": preset,
        "depth": found.parametrization.depth,
        "optimizer": rule.optimizer,
        "normalise": rule.normalise,
        "clip": None if rule.clip is None else [str(k) for k in rule.clip],
        "stable": found.stable,
        "stable_at_initialisation": found.stable_at_initialisation,
        "faithful": found.faithful,
        "faithful_at_initialisation": found.faithful_at_initialisation,
        "nontrivial": found.nontrivial,
        "regime": found.regime,
        "exponents": {
            "given": _exponent_documents(found.parametrization),
            "effective": _exponent_documents(found.effective),
            "updates": [str(r) for r in found.exponents],
            "features": [str(r) for r in found.feature_exponents],
            "function": str(found.function_exponent),
        },
        "conditions": [
            {
                "name": each.name,
                "needed_for": each.claim,
                "condition": each.statement,
                "left": str(each.left_value),
                "right": str(each.right_value),
                "holds": each.holds,
                "source": each.source,
            }
            for each in found.conditions
        ],
    }


def _exponent_documents(parametrization: "Parametrization") -> list[dict[str, str]]:
    kinds = _kinds(parametrization.depth)
    return [
        {"layer": kind} | {name: str(getattr(layer, name)) for name in "abcd"}
        for kind, layer in zip(kinds, parametrization.layers, strict=True)
    ]


def _headline(found: "Classification", rule: "UpdateRule", preset: str | None) -> str:
    rules: list[str] = [rule.optimizer]
    rules += [NORMALISED[rule.normalise]] if rule.normalise else []
    rules += ["clipped updates"] if rule.clip else []
    claims = {"stable": found.stable, "faithful": found.faithful, "nontrivial": found.nontrivial}
    words = ", ".join(claim if holds else f"not {claim}" for claim, holds in claims.items())
    name = f"{preset or 'exponents'}, depth {found.parametrization.depth}, {', '.join(rules)}"
    return f"{name}: {words}: {REGIMES[found.regime]}"


def _layers(found: "Classification") -> Table:
    """The exponents of each layer; effective c and d only where an update rule changes them."""
    changed = [name for name in "cd" if _column(found.effective, name) != _column(found.parametrization, name)]
    table = Table("layer", box=None, pad_edge=False)
    for heading in (*"abcd", *(f"effective {name}" for name in changed), "r", "r up to here"):
        table.add_column(heading, justify="right")
    columns = [_column(found.parametrization, name) for name in "abcd"]
    columns += [_column(found.effective, name) for name in changed]
    columns += [list(map(str, found.exponents)), [*map(str, found.feature_exponents), ""]]
    for index, kind in enumerate(_kinds(found.parametrization.depth)):
        table.add_row(f"{index + 1} {kind}", *(column[index] for column in columns))
    return table


def _column(parametrization: "Parametrization", name: str) -> list[str]:
    return [str(getattr(layer, name)) for layer in parametrization.layers]


def _kinds(depth: int) -> list[str]:
    return ["input", *["hidden"] * (depth - 1), "output"]


def _changes(found: "Classification") -> str:
    features, function = found.feature_exponents[-1], found.function_exponent
    return f"training changes the last features by n^{_power(features)} and the function by n^{_power(function)}"


def _power(exponent: Fraction) -> str:
    """Of n, where n^-exponent is meant."""
    return str(-exponent) if exponent.denominator == 1 else f"({-exponent})"


def _conditions(found: "Classification") -> Table:
    table = Table("needed for", "of", "condition", "values", "holds", "source", box=None, pad_edge=False)
    for each in found.conditions:
        values = f"{each.left_value} {each.relation} {each.right_value}"
        table.add_row(each.claim, each.name, each.statement, values, "yes" if each.holds else "no", each.source)
    return table
