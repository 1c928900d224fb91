"""What pytest needs beside the tests themselves."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``mktemp`` make its files where they are cleared away, as trial does."""
    monkeypatch.chdir(tmp_path)
