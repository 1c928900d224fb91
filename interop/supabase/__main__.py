"""supabase-js against our server: ``python -m interop.supabase --help``."""

from __future__ import annotations

import sys

from ..command import main
from .supabase_js import OFFICIAL

if __name__ == "__main__":
    try:
        sys.exit(main(OFFICIAL, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
