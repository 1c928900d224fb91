"""Why a WebSocket has ended, or was not opened: the errors that users are told."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone

from ..errors import ConnectionClosed, ConnectionFailed
from ..protocol.close_codes import NO_CLOSE_FRAME, NO_CODE
from .answer_head import is_interim, is_refusal, read_head
from .failures import failed_with
from .handshake_factory import HandshakeFactory

__all__ = ["why_closed", "why_not_opened"]


def why_not_opened(protocol: Any) -> ConnectionFailed:
    """What has become of a handshake that has opened nothing.

    :param protocol: the :class:`.PhoenixClientProtocol` of which it is a method.
    """
    status, phrase, headers = read_head(protocol.answer_head.decode("iso-8859-1"))
    if is_interim(status):
        # What they were to lead to has not come.
        status, headers = None, {}
    factory: HandshakeFactory = protocol.factory
    if is_refusal(status):
        body = b"" if protocol.refused is None else protocol.refused.body
        return factory.refused(status, headers, phrase, body)
    if protocol.fault is not None:
        return factory.refused(status, headers, protocol.fault)
    return failed_with(protocol.lost_reason, "lost during the handshake")


def why_closed(
    protocol: Any,
    was_clean: bool,
    code: int | None,
    reason: str | None,
) -> ConnectionClosed:
    """How an open WebSocket has ended."""
    if protocol.failedByMe:
        # The server broke the protocol; what we told it is what happened.
        said = (protocol.localCloseReason or b"").decode("utf-8", "replace")
        return ConnectionClosed(protocol.localCloseCode or NO_CLOSE_FRAME, said)
    if was_clean:
        code = NO_CODE if code is None else code
        return ConnectionClosed(code, reason or "", True)
    lost = protocol.lost_reason
    said = "" if isinstance(lost, ConnectionDone) else str(lost)
    closed = ConnectionClosed(NO_CLOSE_FRAME, protocol.aborted_because or said)
    closed.__cause__ = lost
    return closed
