"""What cannot be shown, for tests of what is shown in its place."""

from __future__ import annotations

__all__ = ["Mute", "MuteError"]


class Mute:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class MuteError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no")
