"""``widthwise spectrum``: what it prints, the document, the figure, and one line about what is not allowed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Call = Callable[..., tuple[int, str, str]]


def test_the_document_holds_together(call: Call, tmp_path: Path) -> None:
    """That of the oracle: its moments, a mass of 1 by straight lines between points, quantiles between edges."""
    figure = tmp_path / "tanh.png"
    arguments = ("--depth", "4", "--activation", "tanh", "--weight-variance", "1.5", "--json", "-o", str(figure))
    code, out, err = call("spectrum", *arguments)
    assert (code, err) == (0, "")
    found = json.loads(out)
    np.testing.assert_allclose(found["moments"][:2], [0.3953173394126456, 1.0603868011621702], rtol=1e-8)
    x, density = np.array(found["density"]["x"]), np.array(found["density"]["value"])
    assert np.trapezoid(density, x) + found["atom_at_zero"] == pytest.approx(1.0, abs=1e-3)
    assert found["mass"] == pytest.approx(1.0, abs=1e-4)
    values = list(found["quantiles"].values())
    assert values == sorted(values)
    assert found["edges"][0] <= values[0] < values[-1] <= found["edges"][-1]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_people_see_a_table(call: Call) -> None:
    _, told, _ = call(
        "spectrum", "--depth", "2", "--activation", "relu", "--weight-variance", "2", "--widths", "1,2,0.5"
    )
    assert "Jacobian of 2 relu layers, iid weights of variance 2 (fan-in): eigenvalues of J^T J" in told
    assert "atom at 0: 0.75" in told
    assert "support: " in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "haar"], "--weights: 'haar' is not known; allowed: iid, orthogonal"),
        (["--widths", "1,2"], "widths: 2 given, 5 needed, or a single one"),
        (["--weight-variance", "two"], "--weight-variance: 'two' is not allowed; give a number, or numbers separated"),
        (["--activation", "tan"], "--activation: 'tan' is not known; allowed: abs, cos"),
    ],
)
def test_what_is_not_allowed_is_one_line(call: Call, arguments: list[str], message: str) -> None:
    code, out, told = call("spectrum", *arguments)
    assert (code, out) == (2, "")
    assert told.startswith(f"widthwise: {message}")
    assert told.count("\n") == 1
