"""The path to a client's session: see :mod:`txphoenix.testing.endpoint`."""

from __future__ import annotations

from .client_session import SessionTransport
from .endpoint import ServerSession
from .frame import Frame

__all__ = ["Frame", "ServerSession", "SessionTransport"]
