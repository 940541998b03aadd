"""Names of laws: what is read, what is written back, what is refused."""

import pickle
import subprocess
import sys

import pytest

from widthwise.errors import SpecError
from widthwise.laws import Law, law, law_names, require_law


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("gaussian", "gaussian"),
        (" uniform ", "uniform"),
        ("orthogonal", "orthogonal"),
        ("sparse", "sparse(0.1)"),
        ("sparse( 0.30 )", "sparse(0.3)"),
        ("sparse(1e-3)", "sparse(0.001)"),
        ("sparse(1)", "sparse(1)"),
        ("student_t", "student_t(5)"),
        ("student_t(2.5)", "student_t(2.5)"),
        ("student_t (5.0)", "student_t(5)"),
        ("truncated_normal", "truncated_normal(2)"),
    ],
)
def test_a_name_becomes_canonical_and_then_stays(text: str, canonical: str) -> None:
    assert require_law(text) == canonical
    assert require_law(canonical) == canonical
    assert law(law(text)) is not None
    assert law(text) == law(canonical)


@pytest.mark.parametrize("name", law_names())
def test_every_listed_name_is_canonical(name: str) -> None:
    assert law(name).name == name
    assert pickle.loads(pickle.dumps(law(name))) == law(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", r"^'foo' is not known; allowed: gaussian, laplace, .*, uniform$"),
        ("gausian", r"allowed: .*; did you mean 'gaussian'\?$"),
        ("student_t(5", r"^'student_t\(5' is not known; .*did you mean 'student_t'\?$"),
        ("uniform(3)", r"^'uniform\(3\)': uniform takes no parameter; write uniform$"),
        ("student_t(2)", r"^'student_t\(2\)': the degrees of freedom of student_t must be above 2"),
        ("student_t(inf)", "must be above 2"),
        ("sparse(0)", r"the density of sparse is a number from 1e-6 to 1; write for example sparse\(0\.1\)$"),
        ("sparse(nan)", "is a number from 1e-6 to 1"),
        ("sparse()", "is a number from 1e-6 to 1"),
        ("sparse(many)", "is a number from 1e-6 to 1"),
        ("truncated_normal(5)", "the cut of truncated_normal is a number of standard deviations from 0.1 to 4"),
        ("a\n" + 100 * "b", r"^'a\\nb{40,}\.\.\. is not known"),
        ("", "^'' is not known"),
    ],
)
def test_what_is_no_law_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        law(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("student_t(4)", "student_t with nu <= 4 has no finite fourth moment"),
        ("student_t(4.1)", None),
        ("orthogonal", "entries of an orthogonal matrix are dependent"),
        ("sparse", None),
    ],
)
def test_laws_outside_the_theorems_say_why(text: str, outside: str | None) -> None:
    assert law(text).outside == outside


def test_a_law_is_itself() -> None:
    given = Law(name="mine", family="mine")
    assert law(given) is given
    assert require_law(given) == "mine"


def test_names_are_known_without_torch_and_scipy() -> None:
    program = "import sys, widthwise.laws; assert not {'torch', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
