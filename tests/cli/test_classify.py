"""``widthwise classify``: its words, its document, its errors, and what it does not import."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

Call = Callable[..., tuple[int, str, str]]
MUP = ["--a", "0,0,1", "--b", "0,1/2,0", "--c", "0,1,0", "--d", "1,1,1"]


def document(call: Call, *arguments: str) -> dict[str, object]:
    code, out, err = call("classify", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_document_of_maximal_update(call: Call) -> None:
    found = document(call, "--preset", "mup", "--depth", "2")
    conditions = found.pop("conditions")
    exponents = found.pop("exponents")
    assert found == {
        "preset": "mup",
        "depth": 2,
        "optimizer": "adaptive",
        "normalise": None,
        "clip": None,
        "stable": True,
        "stable_at_initialisation": True,
        "faithful": True,
        "faithful_at_initialisation": True,
        "nontrivial": True,
        "regime": "feature_learning",
    }
    layers = [
        {"layer": "input", "a": "0", "b": "0", "c": "0", "d": "1"},
        {"layer": "hidden", "a": "0", "b": "1/2", "c": "1", "d": "1"},
        {"layer": "output", "a": "1", "b": "0", "c": "0", "d": "1"},
    ]
    assert exponents == {
        "given": layers,
        "effective": layers,
        "updates": ["0", "0", "0"],
        "features": ["0", "0"],
        "function": "0",
    }
    assert conditions[1] == {
        "name": "preactivations 2",
        "needed_for": "stable at initialisation",
        "condition": "a_2 + b_2 = 1/2",
        "left": "1/2",
        "right": "1/2",
        "holds": True,
        "source": "TP4b 2.8",
    }
    assert len(conditions) == 3 + 3 + 3 + 1 + 1
    assert all(set(each) == set(conditions[1]) for each in conditions)


@pytest.mark.parametrize(
    ("arguments", "stable", "regime", "updates"),
    [
        (["--preset", "ntp", "--depth", "1"], True, "operator", ["1/2", "0"]),
        (["--preset", "uniform", "--s", "1/4", "--depth", "1"], True, "operator", ["1/4", "0"]),
        (["--preset", "uniform", "--s", "0", "--depth", "1"], True, "feature_learning", ["0", "0"]),
        (["--preset", "mean_field", "--depth", "1"], True, "feature_learning", ["0", "0"]),
        (["--preset", "mean_field"], False, None, ["0", "0", "0", "0"]),
        (["--preset", "sp", "--depth", "2"], False, None, ["0", "-1", "-1"]),
        (["--preset", "mup", "--normalise", "update"], True, "feature_learning", ["0"] * 4),
        (["--preset", "mup", "--normalise", "weight"], True, "feature_learning", ["0"] * 4),
        (["--preset", "mup", "--clip", "0", "--depth", "2"], True, None, ["1/2", "1", "1/2"]),
        (["--preset", "mup", "--clip", "1/2,1,1/2"], True, "feature_learning", ["0"] * 4),
        (MUP, True, "feature_learning", ["0"] * 3),
        ([*MUP, "--depth", "4"], True, "feature_learning", ["0"] * 5),
        ([*MUP, "--normalise", "update"], True, None, ["1/2", "1", "1/2"]),
        (["--a", "0, 1", "--b", "0,0", "--c", "0,0.0", "--d", "1,1"], True, "feature_learning", ["0", "0"]),
        (["--a", "0,0,0,1", "--b", "0,1/2,0", "--c", "0,1,0", "--d", "1,1,1"], True, "feature_learning", ["0"] * 4),
        (
            ["--a", "-1/2,0,1/2", "--b", "1/2,1/2,1/2", "--c", "0,0,0", "--optimizer", "sgd"],
            True,
            "feature_learning",
            ["0"] * 3,
        ),
    ],
)
def test_regimes(call: Call, arguments: list[str], stable: bool, regime: str | None, updates: list[str]) -> None:
    found = document(call, *arguments)
    assert (found["stable"], found["regime"]) == (stable, regime)
    assert found["exponents"]["updates"] == updates


def test_exponents_of_a_document_can_be_given_back(call: Call) -> None:
    first = document(call, "--preset", "ntp", "--normalise", "update", "--depth", "2")
    lists = [(f"--{name}", ",".join(layer[name] for layer in first["exponents"]["given"])) for name in "abcd"]
    again = document(call, *(word for pair in lists for word in pair), "--normalise", "update")
    assert first | {"preset": None} == again


def test_words(call: Call) -> None:
    code, out, err = call("classify", "--preset", "ntp", "--depth", "2")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "ntp, depth 2, adaptive: stable, faithful, nontrivial: operator regime"
    rows = [line.split() for line in lines]
    assert ["1", "input", "0", "0", "1/2", "1/2", "1/2", "1/2"] in rows
    assert ["2", "hidden", "1/2", "0", "1", "1", "1/2", "1/2"] in rows
    assert ["3", "output", "1/2", "0", "1/2", "1/2", "0"] in rows
    assert "training changes the last features by n^(-1/2) and the function by n^0" in lines
    assert any("a_3 + b_3 + r >= 1" in line and "1 >= 1" in line and " yes " in line for line in lines)


def test_words_of_what_fails(call: Call) -> None:
    code, out, _ = call("classify", "--preset", "sp", "--depth", "1", "--optimizer", "sgd", "--clip", "1/4")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == (
        "sp, depth 1, sgd, clipped updates: not stable, faithful, nontrivial: neither feature learning nor "
        "operator regime"
    )
    assert "effective c" in out
    assert any("a_2 + c_2 >= 1" in line and "1/4 >= 1" in line and " no " in line for line in lines)


def test_help_shows_examples(call: Call) -> None:
    code, out, _ = call("classify", "--help")
    assert code == 0
    assert "widthwise classify --preset mup --depth 3" in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "--a: is missing; give --a, --b, --c, --d or a --preset (mup, ntp, sp, mean_field, uniform)"),
        (["--a", "0,0", "--b", "0,0"], "--c: is missing; give --a, --b, --c, --d or a --preset"),
        (["--optimizer", "sgd", "--a", "0,0"], "--b: is missing; give --a, --b, --c or a --preset"),
        (["--preset", "mpu"], "--preset: 'mpu' is not known; allowed: mup, ntp, sp, mean_field, uniform"),
        (["--preset", "mup", "--d", "1,1"], "--d: has no meaning beside --preset mup"),
        (["--preset", "mup", "--s", "0"], "--s: has no meaning for --preset mup"),
        ([*MUP, "--s", "1/4"], "--s: '1/4' has no meaning beside exponents"),
        (["--preset", "uniform"], "--s: is missing; give it from 0 to 1/2"),
        (["--preset", "uniform", "--s", "0.7"], "s: 7/10 is not from 0 to 1/2"),
        (["--preset", "uniform", "--s", "half"], "s: 'half' is not a number such as 0, -1/2 or 0.25"),
        (["--preset", "mup", "--depth", "0"], "depth: 0 is below 1"),
        ([*MUP, "--depth", "1"], "a: 3 given, but depth 1 takes 2 (one per layer)"),
        (["--a", "0", "--b", "0", "--c", "0", "--d", "0"], "a: 1 given, but depth 1 takes 2 (one per layer)"),
        (["--a", "0,", "--b", "0,0", "--c", "0,0", "--d", "0,0"], "a[1]: '' is not a number"),
        ([*MUP[:-1], "1,1/0,1"], "d[1]: '1/0' divides by 0"),
        (["--preset", "mup", "--optimizer", "adam"], "optimizer: 'adam' is not known; allowed: adaptive, sgd"),
        (["--preset", "mup", "--normalise", "row"], "normalise: 'row' is not known; allowed: update, weight"),
        (["--preset", "mup", "--normalise", "update", "--clip", "0"], "clip: normalised updates all have one norm"),
        (["--preset", "mup", "--clip", "1,2"], "clip: 2 given, but depth 3 takes 4 (one per layer) or 3"),
        (["--preset", "mup", "--clip", "x"], "clip[0]: 'x' is not a number"),
    ],
)
def test_bad_exponents_are_one_line_and_exit_2(call: Call, arguments: list[str], part: str) -> None:
    code, out, err = call("classify", *arguments)
    assert (code, out) == (2, "")
    assert part in err
    assert err.startswith("widthwise: ")
    assert err.count("\n") == 1


def test_it_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys; sys.argv = ['widthwise', 'classify', '--preset', 'mup']\n"
        "from widthwise_cli.main import app\n"
        "app(standalone_mode=False)\n"
        "print(sorted({'torch', 'ray', 'zarr', 'xarray', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
