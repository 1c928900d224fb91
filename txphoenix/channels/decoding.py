"""Decoders: what makes a typed value of a payload, before the user's code has it.

::

    payload -> decoder of the hook                          -> the hook
            -> decoder of the event, once for each message  -> its other hooks
                                                            or handle_message()

A decoder is a callable of the user's that takes the payload, which is parsed already,
and returns what it stands for: ``Message.model_validate``, say, or
``functools.partial(msgspec.convert, type=Message)``.
It has to answer at once, for later messages would overtake one that is waited for.
One that raises costs that message alone, and for a hook's own that hook alone: the
channel's and the client's ``on_error`` hooks, the log and telemetry tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from ..decode_error import DecodeError
from ..errors import ConfigurationError
from ..legible import legible
from ..protocol.message import Message
from ..protocol.reserved_events import check_hooked
from ..runtime.callable_names import qualified_name
from ..runtime.hooks import call_hook
from ..runtime.package_log import package_log
from .callbacks import CallingMember, run_callback
from .channel_events import ChannelEvents
from .decoded_events import DecodedEvents, Decoder
from .interfaces import ChannelCallbacks

__all__ = [
    "DecodingHook",
    "check_decoder",
    "check_decoders",
    "decoded",
    "take_decoded",
]

log = Logger("txphoenix.channel", observer=package_log)

# What a decoder that has raised has made of a payload, and that of one not yet asked.
_FAILED: Final = object()
_UNASKED: Final = object()


class TellingManager(Protocol):
    """What knows who observes channels."""

    @property
    def events(self) -> ChannelEvents:
        """They."""


class TellingHooks(Protocol):
    """The hooks of a channel, as far as they are told of an error."""

    undecoded: int

    def tell_error(self, error: BaseException, topic: str) -> None:
        """Tell those of what interrupts the channel."""


class DecodingMember(CallingMember, Protocol):
    """A channel's inside, as its decoders know it."""

    @property
    def channel(self) -> ChannelCallbacks:
        """Has the messages."""

    @property
    def manager(self) -> TellingManager:
        """Knows who observes."""

    def own_hooks(self) -> TellingHooks:
        """Its hooks."""


class DecodingHook:
    """A hook with a decoder of its own.

    :param member: the inside of the channel whose hook it is.
    :param event: what it is called for.
    :param decode: the decoder.
    :param function: is called with what that makes of the payload.
    """

    def __init__(
        self,
        member: DecodingMember,
        event: str,
        decode: Decoder,
        function: Callable[[Any], Any],
    ) -> None:
        self._member = member
        self._event = event
        self._decode = decode
        self._function = function
        # The log names the user's function, which has its module in this.
        self.__module__, self.__qualname__ = "builtins", qualified_name(function)

    def __call__(self, payload: Any) -> Any:
        """Decode, and call the function; one that is not decoded goes to nobody."""
        value = _decoded(self._member, self._event, self._decode, payload)
        return None if value is _FAILED else self._function(value)


def check_decoder(name: str, decoder: object) -> Decoder:
    """Check a decoder.

    :param name: what an error calls it.
    :raises ConfigurationError: it cannot be called, or its answer would come later.
    """
    inner = decoder
    while isinstance(inner, partial):
        inner = inner.func
    if not callable(decoder) or iscoroutinefunction(inner):
        raise ConfigurationError(
            f"{name} must be a function that takes a payload and returns its value at"
            f" once, not {legible(decoder)}"
        )
    return decoder


def check_decoders(
    name: str, decoders: object, presence_events: tuple[str, str]
) -> dict[str, Decoder]:
    """Check the decoders of events.

    :param name: what an error calls them.
    :param presence_events: those of the channel, which a Presence reads as they are.
    :raises ConfigurationError: it is no mapping of events to decoders.
    """
    if not isinstance(decoders, Mapping):
        raise ConfigurationError(
            f"{name} must be a mapping of events to decoders, not {legible(decoders)}"
        )
    for event, decoder in decoders.items():
        check_hooked(event)
        if event in presence_events:
            raise ConfigurationError(
                f"{name} cannot decode {event}, which a Presence reads as it is: give"
                " the decoder to the hook, by on(event, function, decode=...)"
            )
        check_decoder(f"{name}[{event!r}]", decoder)
    return dict(decoders)


def decoded(
    call: Callable[[], Deferred[Any]], topic: str, event: str, decode: Decoder
) -> Deferred[Any]:
    """Make a call, and have its response decoded before it is handed out.

    :return: the call's Deferred; it fails with :exc:`DecodeError` where that fails, and
        with :exc:`ConfigurationError`, without a call, where that is no decoder.
    """
    try:
        check_decoder("decode", decode)
    except ConfigurationError:
        return fail()
    return call().addCallback(_decode_response, topic, event, decode)


def take_decoded(
    member: DecodingMember, events: DecodedEvents, message: Message
) -> None:
    """Take a message whose event has a decoder."""
    event, payload = message.event, message.payload
    decode = events.decoders[event]
    hooks = events.hooks.get(event)
    if hooks is None:
        value = _decoded(member, event, decode, payload)
        if value is not _FAILED:
            message = message._replace(payload=value)
            run_callback(member, member.channel.handle_message, message)
        return
    value = _UNASKED
    for _, function in hooks:
        called = event, member.topic
        if isinstance(function, DecodingHook):
            call_hook(function, payload, called=called)
            continue
        if value is _UNASKED:
            value = _decoded(member, event, decode, payload)
        if value is not _FAILED:
            call_hook(function, value, called=called)


# -- Inside ---------------------------------------------------------------------------


def _decoded(member: DecodingMember, event: str, decode: Decoder, payload: Any) -> Any:
    """Decode a payload, or tell all who want to know that it cannot be."""
    try:
        return _value(decode, payload)
    except BaseException as cause:
        error = DecodeError(member.topic, event, qualified_name(decode), cause)
    _tell(member, error)
    return _FAILED


def _decode_response(response: Any, topic: str, event: str, decode: Decoder) -> Any:
    try:
        return _value(decode, response)
    except BaseException as cause:
        raise DecodeError(topic, event, qualified_name(decode), cause, True) from cause


def _value(decode: Decoder, payload: Any) -> Any:
    value = decode(payload)
    if isawaitable(value):
        if iscoroutine(value):
            # It is never awaited, which is no news beside the error.
            value.close()
        elif isinstance(value, Deferred):
            value.addErrback(lambda _: None)
        raise TypeError("a decoder must return its value at once")
    return value


def _tell(member: DecodingMember, error: DecodeError) -> None:
    hooks = member.own_hooks()
    hooks.undecoded = count = hooks.undecoded + 1
    # A server that sends nothing else must not fill the log as well.
    if count & (count - 1) == 0:
        log.warn(
            "{topic}: payload {count} that a decoder does not take: {reason}",
            topic=error.topic,
            count=count,
            reason=str(error),
        )
    hooks.tell_error(error, member.topic)
    for observer in member.manager.events.observers:
        observer.payload_undecoded(member.channel, error)
