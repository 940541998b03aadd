"""Where a run may be: a directory or a URL, and nothing else."""

import pickle
from pathlib import Path

import pytest

from widthwise.errors import SpecError
from widthwise.store import ObjectPath, run_path


def test_a_path_is_local_and_a_url_is_an_object() -> None:
    assert run_path("a/b.run") == run_path(Path("a/b.run")) == Path("a/b.run")
    found = run_path("s3://bucket//a/b.run/")
    assert found == ObjectPath("s3://bucket", "a/b.run") == run_path(found)
    assert str(found / "run.json") == "s3://bucket/a/b.run/run.json"
    assert (found.name, found.stem, found.suffix, str(found.parent)) == ("b.run", "b", ".run", "s3://bucket/a")
    assert (found / "x/y").relative_to(found).as_posix() == "x/y"
    assert str(found.with_stem("c")) == "s3://bucket/a/c.run"
    assert found.absolute() == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://host/a.run", "ftp:// is no storage .* s3://, gs://, az://, memory://"),
        ("file:///tmp/a.run", "give a local path"),
        ("s3://bucket", "s3://BUCKET/NAME.run"),
        ("s3:///a.run", "s3://BUCKET/NAME.run"),
        ("s3://bucket/../a.run", "without . or .."),
        ("s3://key:secret@bucket/a.run", "no credentials .* in a URL"),
        ("s3://bucket/a.run?endpoint=http://evil", "no credentials or options in a URL"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as caught:
        run_path(text)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_place_is_the_same_in_another_process_and_memory_is_shared_in_one() -> None:
    place = run_path("memory://paths/a.run")
    assert isinstance(place, ObjectPath)
    (place / "x").write_bytes(b"1")
    again = pickle.loads(pickle.dumps(place))
    assert again == place
    assert again.is_dir()
    assert not again.is_file()
    assert (again / "x").read_bytes() == b"1"
    assert not run_path("memory://others/a.run").exists()
    assert [found.name for found in again.iterdir()] == ["x"]
    assert not (place.parent / "a").exists()
    with pytest.raises(FileNotFoundError):
        (place / "y").read_bytes()
    (place / "y").unlink()
