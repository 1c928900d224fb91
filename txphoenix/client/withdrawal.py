"""Whether a message that nobody waits for any more was sent, and that it never is."""

from __future__ import annotations

from typing import Final, Protocol, cast

from twisted.logger import Logger

from ..runtime.package_log import package_log
from ..transports.interfaces import Transport
from .optional_methods import has_all, number_of

__all__ = ["Withdrawal", "withdrawal_for"]

log = Logger("txphoenix.withdrawal", observer=package_log)


_BOUNDED: Final = ("has_left", "withdraw")


class _Bounded(Protocol):
    """What :class:`txphoenix.interfaces.BoundedTransport` adds to a transport."""

    def has_left(self, mark: int) -> bool: ...

    def withdraw(self, mark: int) -> bool: ...


class Withdrawal:
    """Takes messages back from one transport after the other."""

    __slots__ = ("_is_lost", "_transport")

    def __init__(self) -> None:
        self._transport: _Bounded | None = None
        self._is_lost = False

    def opened(self, transport: Transport) -> None:
        """What is sent from now on goes to this transport."""
        self._is_lost = False
        self._transport = None
        try:
            if has_all(transport, _BOUNDED):
                self._transport = cast(_Bounded, transport)
        except BaseException:
            # It may be the user's, and be lost already.
            log.failure("the transport raised")

    def lost(self) -> None:
        """The transport is lost: what it has not sent it never will."""
        self._is_lost = True

    def told(self) -> int:
        """All have been told of the loss, and the transport may go.

        :return: how many of the messages that it was given had not left; 0 where it
            does not tell.
        """
        if not self._is_lost:
            return 0
        transport, self._transport = self._transport, None
        return number_of(transport, "unsent_frames")

    def withdraw(self, mark: int | None) -> bool:
        """Take back a message that nobody waits for any more.

        :param mark: what the transport's ``send`` has returned.
        :return: whether the message was not sent, and never will be.
            A transport that cannot tell is held to have sent all that it was given.
        """
        transport = self._transport
        if mark is None or transport is None:
            return False
        try:
            if self._is_lost:
                return not transport.has_left(mark)
            return transport.withdraw(mark)
        except BaseException:
            # One of the user's own: whoever waits is to be told all the same.
            log.failure("the transport raised")
            return False


def withdrawal_for(made: Withdrawal | None, transport: Transport | None) -> Withdrawal:
    """The one that there is, or else a new one for the transport that is open.

    :param made: is None until the first use, which most connections never come to.
    """
    if made is not None:
        return made
    withdrawal = Withdrawal()
    if transport is not None:
        withdrawal.opened(transport)
    return withdrawal
