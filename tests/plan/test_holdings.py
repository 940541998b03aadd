"""How matrices are held is said of every width as it will be, and decides what a call computes and costs."""

import json
from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.plan import holdings, point_inputs, trials_at_once
from widthwise.spaces import FiniteSpace
from widthwise.spec import Spec, points


def spec(law: str, widths: tuple[int, ...], **numerics: object) -> Spec:
    options = {"law": law, "ratio": 2.0}
    return Spec(experiment="marchenko_pastur", options=options, sweep={"width": widths}, numerics=numerics)


def said(of: Spec) -> dict[str, list[str]]:
    return holdings(of, point_inputs(points(of)))


def test_entries_are_held_until_they_do_not_fit() -> None:
    lines = said(spec("rademacher", (64, 65536)))
    assert lines["64"][0] == "128 x 64, rademacher: dense (entries of the law rademacher fit into 1 GiB for entries)"
    assert lines["65536"][0].startswith("131072 x 65536, rademacher: tiled (entries of the law rademacher do not fit")


@pytest.mark.parametrize("width", [64, 1024, 8192, 16384])
@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
def test_what_is_said_is_what_a_space_does(law: str, width: int) -> None:
    run = spec(law, (width,))
    space = FiniteSpace(width, trials_at_once(run, width))
    choice = space.matrix(space.dim("rows", 2.0), law=law).choice  # nothing is drawn before the first product
    assert said(run)[str(width)][0] == f"{2 * width} x {width}, {law}: {choice.held} ({choice.reason})"


def test_a_law_outside_the_theorems_is_labelled() -> None:
    assert "outside the theorems: student_t with nu <= 4" in said(spec("student_t(3)", (64,)))["64"][0]
    assert "outside the theorems: entries of an orthogonal" in said(spec("orthogonal", (64,)))["64"][0]


def test_drawn_entries_let_fewer_trials_share_a_call() -> None:
    assert trials_at_once(spec("gaussian", (4096,)), 4096) == 8
    assert trials_at_once(spec("rademacher", (4096,)), 4096) == 1
    assert trials_at_once(spec("gaussian", (4096,), matrix="tiled"), 4096) == 1


def test_the_store_says_how_matrices_are_held_and_what_the_orders_are(tmp_path: Path) -> None:
    table = {
        "experiment": "semicircle",
        "options": {"law": "uniform", "orders": 4},
        "sweep": {"width": [16, 32], "trials": 8},
        "limit": {"samples": 256, "replicates": 2},
    }
    path = widthwise.run(table, tmp_path / "s.run", address="inline")
    results = widthwise.open(path)
    assert json.loads(results.attrs["matrices"])["32"][0].startswith("32 x 32, uniform: dense (")
    for group in ("trials", "limit", "exact"):
        np.testing.assert_array_equal(results[group]["order"], [1, 2, 3, 4])
    assert results["trials"]["spectrum"].attrs["law"] == "even"
    grown = table | {"sweep": {"width": [16, 32, 48], "trials": 8}}
    widthwise.run(grown, path, address="inline", extend=True)
    assert set(json.loads(widthwise.open(path).attrs["matrices"])) == {"16", "32", "48"}
