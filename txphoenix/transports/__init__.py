"""How frames travel: the WebSocket and its frames, and long polling.

Each transport is a :class:`txphoenix.interfaces.Transport` that tells a
:class:`txphoenix.interfaces.TransportListener` what happens to it.
"""

from __future__ import annotations
