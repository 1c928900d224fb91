"""Where a transport of a socket is: a path, parts of which may be parameters."""

from __future__ import annotations

from urllib.parse import unquote

__all__ = ["PathPattern"]


class PathPattern:
    """A path such as ``/socket/websocket`` or ``/socket/:key``.

    :param text: the path; a part that begins with a colon stands for any other.
    """

    def __init__(self, text: str) -> None:
        self._parts = _parts(text)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters in a request's path, by their names; None if it is another.

        :param path: as it came, percent-encoded.
        """
        parts = _parts(path)
        if len(parts) != len(self._parts):
            return None
        params: dict[str, str] = {}
        for expected, part in zip(self._parts, parts, strict=True):
            if expected.startswith(":"):
                params[expected[1:]] = unquote(part)
            elif unquote(part) != expected:
                return None
        return params


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
