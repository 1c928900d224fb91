"""The AutobahnTestSuite against the protocol with the fast frame path.

See ``README.md`` beside this file; run it with ``python -m compliance``.
"""

from __future__ import annotations
