"""The official client phoenix.js against our server, and beside our client.

See ``README.md`` beside this file; run it with ``python -m interop``.
"""

from __future__ import annotations
