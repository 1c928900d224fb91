"""The end of a connection: what is said of it, and how long it may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from twisted.logger import Logger

from ..errors import ConfigurationError, ConnectionClosed
from ..legible import legible
from ..protocol.close_codes import NO_CLOSE_FRAME, is_sent_by_clients
from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.package_log import package_log

__all__ = ["Overdue", "check_close", "raised", "tell_end", "untold"]

log = Logger("txphoenix.closing", observer=package_log)

_E = TypeVar("_E", bound=Exception)

# What has an end within close_timeout has as many seconds more to tell of it.
_GRACE: Final = 1.0

# What a control frame's 125 bytes leave beside the code (RFC 6455 section 5.5).
_LONGEST_REASON = 123


def check_close(code: int, reason: str) -> None:
    """Check what a close frame of ours would say.

    :raises ConfigurationError: the code is not a client's to send (RFC 6455 section
        7.4), or the reason is too long.
    """
    is_number = isinstance(code, int) and not isinstance(code, bool)
    if not (is_number and is_sent_by_clients(code)):
        raise ConfigurationError(
            f"a close code must be 1000 or from 3000 to 4999, not {legible(code)}"
        )
    if not isinstance(reason, str):
        raise ConfigurationError(f"a close reason must be a str, not {legible(reason)}")
    size = len(reason.encode("utf-8", "replace"))
    if size > _LONGEST_REASON:
        raise ConfigurationError(
            f"a close reason must have at most {_LONGEST_REASON} bytes of UTF-8,"
            f" not {size}"
        )


def tell_end(listen: Callable[[_E], None], reason: _E) -> None:
    """Tell of an end; whatever that raises, the engine goes on."""
    try:
        listen(reason)
    except BaseException:
        log.failure("not everybody was told of the end of a connection")


def raised(error: BaseException) -> ConnectionClosed:
    """The loss of a transport that has raised."""
    lost = ConnectionClosed(NO_CLOSE_FRAME, "the transport raised")
    lost.__cause__ = error
    return lost


def untold() -> ConnectionClosed:
    """The loss of a transport that was told to end, and has not said that it did."""
    return ConnectionClosed(NO_CLOSE_FRAME, "its end was not told in time")


class Overdue:
    """How long what was told to end may say nothing.

    It may be the user's: a connector, a transport, or what an endpoint has connected.

    :param deadlines: run the time.
    :param end: called when that is over.
    """

    __slots__ = ("_call", "_deadlines", "_end")

    def __init__(self, deadlines: Deadlines, end: Callable[[], None]) -> None:
        self._deadlines = deadlines
        self._end = end
        self._call: DelayedCall | None = None

    def expect(self, close_timeout: float) -> None:
        """Have the end come within ``close_timeout``, and be told a second later."""
        if self._call is None:
            self._call = self._deadlines.callLater(close_timeout + _GRACE, self._expire)

    def at_once(self) -> None:
        """Have it come in the reactor's next turn."""
        self.cancel()
        self._call = self._deadlines.callLater(0, self._expire)

    def cancel(self) -> None:
        """It has come."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _expire(self) -> None:
        self._call = None
        self._end()
