"""The official client @absinthe/socket against our server, and beside our client.

See ``README.md`` in the folder above; run it with ``python -m interop.absinthe``.
"""

from __future__ import annotations
