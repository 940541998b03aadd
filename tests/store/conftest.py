"""No test of the store waits for a disk that stays broken, but for those that say so."""

import pytest

from widthwise.store import patience


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
