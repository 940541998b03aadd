"""Untrusted text: what a reader refuses, in one line, and what it must not be taken in by."""

import time
from pathlib import Path

import pytest

from widthwise.documents import MAX_BYTES, MAX_DEPTH, read_document
from widthwise.errors import SpecError


def refused(path: Path, content: bytes | str) -> str:
    """The message with which a file of this content is refused; always one line."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpecError) as caught:
        read_document(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        (b"\x80\x81\xff", "byte 0 is not UTF-8"),
        (b'experiment = "ntk"\n\xc3\x28', "byte 19 is not UTF-8"),
        ("\0\0\0", "line 1"),
        ("experiment = 'ntk'\nexperiment = 'nngp'", "line 2, \"experiment = 'nngp'\""),
        ("[model]\ndepth = 2\n[model]\ndepth = 3", "line 3, '[model]'"),
        ("[model]\ndepth = 2\ndepth = 3\n", "line 3, 'depth = 3'"),
        ("model = {depth = 2, depth = 3}", "'depth'"),
        ("experiment = ntk", "line 1"),
        ("seed =", "line 1"),
        ("width = [64", "width"),
        ("seed = " + "9" * 5000, "the longest allowed"),
        ("a = " + "[" * 3000, "nested too deeply"),
        ("a = " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply"),
        ("a = " + "{b = " * 200 + "1" + "}" * 200, "nested too deeply"),
        ("a.b.c.d.e.f.g.h.i.j.k = 1", "nested too deeply"),
        ("# " + "x" * 5000, "the longest allowed"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
        ("seed = 1979-05-27", "is a date"),
        ("seed = 07:32:00", "is a time"),
    ],
)
def test_bad_toml_is_refused(tmp_path: Path, content: bytes | str, part: str) -> None:
    assert part in refused(tmp_path / "spec.toml", content)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "is empty"),
        ("- a\n- b\n", "holds list"),
        ("just text", "holds str"),
        ("seed: 1\nseed: 2\n", "'seed' stands twice"),
        ("model:\n  depth: 1\n  depth: 2\n", "'depth' stands twice"),
        ("seed: 1\n'seed': 2\n", "'seed' stands twice"),
        ("a: &x [1]\nb: *x\n", "aliases are not allowed"),
        ("a: !!python/object/apply:os.system ['touch PWNED']\n", "could not determine a constructor"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: !!binary aGVsbG8=\n", "is a bytes"),
        ("a: !!set {b}\n", "is a set"),
        ("a: !foreign 1\n", "could not determine a constructor"),
        ("!!python/object/new:os.system ['touch PWNED']\n", "could not determine a constructor"),
        ("? [1, 2]\n: 3\n", "a key must be text"),
        ("a: [1, 2\n", "line"),
        ("a:\n\t- b\n", "line"),
        ("a: " + "[" * 3000, "nested too deeply"),
        ("a: " + "[" * 20 + "]" * 20, "nested too deeply"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: " + "9" * 5000, "too long"),
    ],
)
def test_bad_yaml_is_refused(tmp_path: Path, content: str, part: str) -> None:
    assert part in refused(tmp_path / "spec.yaml", content)
    assert [file.name for file in tmp_path.iterdir()] == ["spec.yaml"]


def test_files_that_are_none(tmp_path: Path) -> None:
    for path, part in (
        (tmp_path / "missing.toml", "no such file"),
        (tmp_path / "spec.txt", "a spec ends in"),
        (tmp_path / "folder.toml", "not a file"),
        (Path("/dev/zero"), "a spec ends in"),
    ):
        if part == "not a file":
            path.mkdir()
        with pytest.raises(SpecError, match=part):
            read_document(path)


def test_a_long_dotted_key_costs_no_time(tmp_path: Path) -> None:
    """Tomllib needs a minute for this file; it is refused by its line before it is parsed."""
    start = time.process_time()
    refused(tmp_path / "spec.toml", "a." * 60_000 + "a = 1")
    assert time.process_time() - start < 10


def test_yaml_numbers_are_what_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("a: 1e6\nb: 12:30\nc: 010\nd: yes\ne: true\nf: 1.5\ng: -3\nh: .5\n64: 8\ni:\n")
    table = read_document(path)
    expected = {
        "a": 1e6,
        "b": "12:30",
        "c": "010",
        "d": "yes",
        "e": True,
        "f": 1.5,
        "g": -3,
        "h": 0.5,
        "64": 8,
        "i": "",
    }
    assert table == expected
    assert [type(value) for value in table.values()] == [type(value) for value in expected.values()]


def test_json_is_read_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"experiment": "ntk", "sweep": {"width": [64, 128], "trials": {"64": 8}}, "x": 1.5e-05}')
    expected = {"experiment": "ntk", "sweep": {"width": [64, 128], "trials": {"64": 8}}, "x": 1.5e-05}
    assert read_document(path) == expected
