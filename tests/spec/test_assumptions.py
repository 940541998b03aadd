"""What the theorems do not cover is accepted and said, once for every law of the sweep."""

from typing import Any

import pytest

from widthwise.spec import load_spec, outside


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"experiment": "ntk"}, []),
        ({"experiment": "amp", "options": {"law": "student_t(4.5)"}}, []),
        ({"experiment": "amp", "options": {"law": "student_t(4)"}}, ["student_t(4)"]),
        (
            {"experiment": "semicircle", "sweep": {"options.law": ["gaussian", "orthogonal", "student_t(3)"]}},
            ["orthogonal", "student_t(3)"],
        ),
    ],
)
def test_laws_outside_the_theorems_are_named_with_the_reason(table: dict[str, Any], named: list[str]) -> None:
    lines = outside(load_spec(table))
    assert [line.split()[1] for line in lines] == named
    assert all(line.startswith("options.law: ") and "assumptions: " in line for line in lines)
