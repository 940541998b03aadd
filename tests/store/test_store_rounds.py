"""rounds.json: what is written is read back; damage is said."""

from pathlib import Path

import pytest

from widthwise.errors import CorruptError
from widthwise.store import Round, read_round, write_round

LATEST = Round(number=3, tolerance=0.01, targets={(0, 64): 24, (0, 0): 4, (1, 64): 8})


def test_a_round_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_round(tmp_path) is None
    write_round(tmp_path, LATEST)
    assert read_round(tmp_path) == LATEST
    write_round(tmp_path, Round(number=4, tolerance=None, targets={}))
    assert read_round(tmp_path) == Round(number=4, tolerance=None, targets={})
    assert [file.name for file in tmp_path.iterdir()] == ["rounds.json"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"round": 3, "tolerance": 0.01, "targets": [[0, 64]]}', "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "rounds.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptError, match=r"rounds\.json is damaged; remove this file"):
        read_round(tmp_path)
