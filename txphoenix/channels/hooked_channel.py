"""The hooks of a channel, as users add and remove them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar, overload

from ..protocol.reserved_events import check_event, check_hooked
from ..runtime.assignments import never_assigned
from ..runtime.remover import Remover
from .decoding import DecodingHook, check_decoder
from .membership import Membership

__all__ = ["HandlesIn", "HookedChannel"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Payload = TypeVar("_Payload")
_Payload_contra = TypeVar("_Payload_contra", contravariant=True)
_Result = TypeVar("_Result")


class HandlesIn(Protocol[_Payload_contra]):
    """An object that is a hook of events."""

    def handle_in(self, event: str, payload: _Payload_contra, /) -> Any:
        """Take a payload of an event."""


class HookedChannel:
    """A :class:`txphoenix.Channel`, as far as it has hooks.

    What adds one returns a function that removes it.
    """

    presence_events: ClassVar[tuple[str, str]]
    _membership: Membership[Any]

    @overload
    def on(self, event: str) -> Callable[[_Function], _Function]: ...

    @overload
    def on(
        self, event: str, *, decode: Callable[[Any], _Payload]
    ) -> Callable[[Callable[[_Payload], _Result]], Callable[[_Payload], _Result]]: ...

    @overload
    def on(self, event: str, handler: Any) -> Remover: ...

    @overload
    def on(
        self,
        event: str,
        handler: Callable[[_Payload], Any] | HandlesIn[_Payload],
        *,
        decode: Callable[[Any], _Payload],
    ) -> Remover: ...

    @never_assigned("call channel.on(event, function)")
    def on(
        self,
        event: str,
        handler: Any = None,
        *,
        decode: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Add a hook for an event.

        What a hook takes goes neither to :meth:`handle_in` nor to :meth:`receive`.
        Several hooks of one event are called in the order they were added.
        One that raises is logged, and the others are called all the same.

        :param handler: called with the payload; it may be an ``async def``.
            An object with a method ``handle_in(event, payload)`` will do as well.
            Without it, ``on`` is a decorator.
        :param decode: makes a typed value of the payload for this hook, in place of
            what the channel's :attr:`~txphoenix.Channel.decoders` say.
            It takes the payload, or bytes of a binary message, and answers at once.
            What it raises is told to :meth:`on_error` as :exc:`DecodeError`, and costs
            this hook that message.
        :return: a function that removes the hook, or the decorator.
        :raises TypeError: the handler is neither of these.
        :raises ConfigurationError: the event is not a string, or it is one of the
            protocol's own (``phx_join``, ``phx_leave``, ``phx_reply``, ``phx_close``
            and ``phx_error``), which are no messages to the user.
        """
        check_hooked(event)
        if handler is None:
            return partial(self._decorate, event, decode)
        wrap = None
        if decode is not None:
            check_decoder("decode", decode)
            wrap = partial(DecodingHook, self._membership, event, decode)
        if event in type(self).presence_events:
            # Kept apart, so that they are no short way past what is kept of these.
            return self._membership.own_presences().hooks.add(event, handler, wrap)
        return self._membership.own_hooks().add(event, handler, wrap)

    @never_assigned("call channel.off(event, function)")
    def off(self, event: str, handler: Any = None) -> None:
        """Remove the hooks of an event: all, or those of one handler.

        :raises ConfigurationError: the event is not a string.
        """
        check_event(event)
        membership = self._membership
        is_presence = event in type(self).presence_events
        hooks = membership.own_presences().hooks if is_presence else membership.hooks
        hooks.remove(event, handler)

    @never_assigned("call channel.on_error(function)")
    def on_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook for what interrupts the channel.

        It is called with the error: the connection's loss, unless that was asked for
        with ``disconnect()``; a crash on the server (:exc:`ChannelClosed`); a failed
        rejoin (:exc:`JoinError`); a payload that a decoder does not take
        (:exc:`DecodeError`); or an exception out of one of the channel's own callbacks
        but ``handle_close``, before :meth:`on_close` where that is the channel's end.
        """
        return self._membership.own_hooks().add_error(function)

    @never_assigned("call channel.on_close(function)")
    def on_close(self, function: Callable[[object], Any]) -> Remover:
        """Add a hook for the end of the channel.

        It is called with the reason: ``"left"``, ``"closed"`` (by the server),
        ``"stopped"``, or the error that ended it.
        """
        return self._membership.own_hooks().add_close(function)

    def _decorate(
        self, event: str, decode: Callable[[Any], Any] | None, function: _Function
    ) -> _Function:
        if decode is None:
            self.on(event, function)
        else:
            self.on(event, function, decode=decode)
        return function
