"""The files that are read anew at each attempt to connect: tokens, certificates, keys.

A pipe is none: it would be waited for, and the whole process with it, or be empty the
second time; and a device such as ``/dev/zero`` has no end.
"""

from __future__ import annotations

import errno
from pathlib import Path
from stat import S_ISDIR, S_ISREG

__all__ = ["check_regular", "expanded"]


def check_regular(path: Path) -> None:
    """Call it before a file is opened.

    :raises OSError: it is not there, or is no regular file.
    :raises ValueError: no file can have this name.
    """
    mode = path.stat().st_mode
    # Who reads a directory is told by the system itself what is wrong.
    if not (S_ISREG(mode) or S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is no regular file")


def expanded(name: str, base: Path) -> Path:
    """The path of a file that settings name.

    :param base: where a relative one begins.
    :raises ValueError: it is empty, or in the home of somebody who has none.
    """
    if not name:
        raise ValueError("must be the path of a file, not ''")
    try:
        return base / Path(name).expanduser()
    except RuntimeError:
        user = name.partition("/")[0]
        raise ValueError(f"begins with {user!r}, who has no home directory") from None
