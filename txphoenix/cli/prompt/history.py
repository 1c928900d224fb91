"""The lines that were typed, in this run and in those before.

They are kept in a file that only its owner may read.
A line that begins with a space is not kept at all, as in a shell; a line that seems to
hold a secret is kept for this run, and not written to the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prompt_toolkit.history import History

from ...runtime.regular_files import check_regular

__all__ = ["KEPT", "MOST_BYTES", "LineHistory", "history_path", "seems_secret"]

KEPT: Final = 1000
"""How many lines are kept at least; at twice as many the older ones go."""

MOST_BYTES: Final = 1 << 20
"""How much of the file is read, from its end; where there is more, that goes."""

# A name in JSON that has one of these words in it, or a value that is a JSON Web Token.
_SECRET: Final = re.compile(
    r"""(?xi)
    "[^"\n]* (?: token | secret | \bpass\b | passw | passphrase | passcode | api[_-]?key
        | private[_-]?key | access[_-]?key | auth | credential | session | cookie
        | jwt | bearer | otp | \bpin\b | \bpwd\b ) [^"\n]*" \s* :
    | \beyJ[\w-]{8,}\.[\w-]{8,}
    """
)


def history_path(environ: Mapping[str, str]) -> Path | None:
    """Where the file is: among what programs keep of their state.

    That is ``$XDG_STATE_HOME`` or ``~/.local/state``, by the XDG Base Directory
    Specification, which has relative paths ignored.

    :return: None for a user who has no home directory.
    """
    state = environ.get("XDG_STATE_HOME", "")
    try:
        root = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return root / "txphoenix" / "console_history"


def seems_secret(line: str) -> bool:
    """Whether a line seems to hold a secret: what its JSON calls so, or a JWT."""
    return _SECRET.search(line) is not None


class LineHistory(History):
    """What was typed, in a file with a JSON string on each line.

    :param path: the file; it and its directory are made when there is a line to keep.
        Without one nothing is kept.
    :param tell: is told once if the file cannot be used.
    """

    def __init__(self, path: Path | None, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._path = path
        self._tell: Callable[[str], object] | None = tell

    def load_history_strings(self) -> Iterable[str]:
        """The lines of the file, the latest first."""
        if self._path is None:
            return []
        try:
            return reversed(_load(self._path))
        except FileNotFoundError:
            return []
        except OSError as error:
            self._complain(error)
            return []

    def append_string(self, string: str) -> None:
        """Keep a line, unless it begins with a space."""
        if not string.startswith(" "):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Write a line to the file, unless it seems to hold a secret."""
        if self._path is None or seems_secret(string):
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                check_regular(self._path)
                _end_last_line(self._path)
            _write(self._path, os.O_APPEND, [string])
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(f"what is typed is not kept: {error.strerror or error}")


def _load(path: Path) -> list[str]:
    """The lines of a file, the latest last; where there are too many, it is cut."""
    check_regular(path)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - MOST_BYTES, 0))
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    if size > MOST_BYTES:
        # It begins within a line.
        text = text.partition("\n")[2]
    lines = [line for line in map(_read_line, text.splitlines()) if line]
    if size > MOST_BYTES or len(lines) > 2 * KEPT:
        lines = lines[-KEPT:]
        # What cannot be cut, as on a full disk, can be read all the same.
        with suppress(OSError):
            _replace(path.resolve(), lines)
    return lines


def _replace(path: Path, lines: list[str]) -> None:
    """Have a file with these lines in place of the one that is there.

    :param path: the file itself, and no link to where somebody keeps it.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        _write(draft, os.O_TRUNC, lines)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _end_last_line(path: Path) -> None:
    """Have a line that was cut short, as by a full disk, take no other with it."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        if file.read() not in (b"", b"\n"):
            file.write(b"\n")


def _write(path: Path, flag: int, lines: list[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
    with open(descriptor, "wb") as file:
        # A file that was there may have been made by somebody else's umask.
        os.fchmod(descriptor, 0o600)
        file.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())


def _read_line(line: str) -> str:
    """A line of the file; an empty text if it is none of ours."""
    try:
        text = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return text if isinstance(text, str) else ""
