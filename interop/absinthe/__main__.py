"""All of @absinthe/socket: ``python -m interop.absinthe --help``."""

from __future__ import annotations

import sys

from ..command import main
from .absinthe_socket import OFFICIAL

if __name__ == "__main__":
    try:
        sys.exit(main(OFFICIAL, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
