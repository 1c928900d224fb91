"""The errors that txphoenix raises, and with which its Deferreds fail.

| :exc:`PhoenixError`
|     :exc:`ConfigurationError` (:exc:`ValueError`)
|     :exc:`NotConnected`
|     :exc:`ConnectionFailed`
|         :exc:`ConnectTimeout` (:exc:`TimeoutError`)
|         :exc:`HandshakeRefused`
|         :exc:`HeartbeatTimeout` (:exc:`TimeoutError`)
|         :exc:`ConnectionClosed`
|     :exc:`JoinError`
|         :exc:`JoinTimeout` (:exc:`TimeoutError`)
|         :exc:`AlreadyJoined`
|     :exc:`PushError`
|         :exc:`PushTimeout` (:exc:`TimeoutError`)
|         :exc:`PushInterrupted`
|         :exc:`BufferFull`
|     :exc:`ChannelClosed`
|     :exc:`DecodeError`
|     :exc:`SerializerError` (:exc:`ValueError`)
|         :exc:`MessageTooLarge`

The class says what happened, the attributes say what the server said, and ``str()``
gives one line for a person.
That line never holds a header's value, a token or a query value, and what others have
said is cut in it, its control characters escaped; the attributes have it as it came.
Every error can be copied and pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import error_texts as texts
from .decode_error import DecodeError
from .error_base import PhoenixError, restore
from .legible import cut

__all__ = [
    "AlreadyJoined",
    "BufferFull",
    "ChannelClosed",
    "ConfigurationError",
    "ConnectTimeout",
    "ConnectionClosed",
    "ConnectionFailed",
    "DecodeError",
    "HandshakeRefused",
    "HeartbeatTimeout",
    "JoinError",
    "JoinTimeout",
    "MessageTooLarge",
    "NotConnected",
    "PhoenixError",
    "PushError",
    "PushInterrupted",
    "PushTimeout",
    "SerializerError",
]


class ConfigurationError(PhoenixError, ValueError):
    """An option, an argument or a URL is not what it must be.

    The message says what was expected and what came, secrets redacted.
    """


class NotConnected(PhoenixError):
    """The operation needs a connection, and none is open or under way.

    :param reason: why there is none, for a person.
    """

    def __init__(self, reason: str = "the client is not connected") -> None:
        super().__init__(reason)
        self.reason = reason


class ConnectionFailed(PhoenixError):
    """A connection could not be opened, or an open one was lost.

    :param reason: what went wrong, for a person.
    :ivar url: where an attempt to connect went, the secrets cut out; empty if it was
        not known yet, or if the connection was open.
    :ivar retry_after: for how many seconds the server wants not to be asked again, as
        its ``Retry-After`` says; None if it says nothing of it.
    """

    url = ""
    retry_after: float | None = None

    def __init__(self, reason: str) -> None:
        super().__init__(cut(reason, texts.LONGEST_TEXT))
        self.reason = reason

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} ({cut(self.url)})" if self.url else text


class ConnectTimeout(ConnectionFailed, TimeoutError):
    """The connection was not open, handshake included, in the time allowed.

    :param timeout: the time allowed, in seconds.
    :param waiting_for: what had not come by then, for a person.
    """

    def __init__(self, timeout: float, waiting_for: str = "") -> None:
        super().__init__(texts.connect_timeout(timeout, waiting_for))
        self.timeout = timeout
        self.waiting_for = waiting_for


class HandshakeRefused(ConnectionFailed):
    """The server answered the opening handshake with something other than a yes.

    Phoenix answers 403 if the socket's ``connect`` refused, 500 if it crashed, and 404
    if there is no socket at that path.

    :param status: the HTTP status, or None if no HTTP answer could be read.
    :param headers: its headers, whose values may be secrets, and in no error's text.
    :param reason: the answer's reason phrase, or what was wrong with the answer.
    :ivar body: the beginning of its body, if that is text: what it repeats of the
        request's secrets is cut out.
    :ivar problem: what a body of ``application/problem+json`` (RFC 9457) holds, without
        these secrets; None for any other.
    """

    body = ""
    problem: Mapping[str, Any] | None = None

    def __init__(
        self, status: int | None, headers: Mapping[str, str], reason: str = ""
    ) -> None:
        super().__init__(reason)
        self.args = (texts.handshake_refused(status, reason),)
        self.status = status
        self.headers: Mapping[str, str] = dict(headers)


class HeartbeatTimeout(ConnectionFailed, TimeoutError):
    """The server did not answer a heartbeat in time, so the connection was dropped.

    Or none could be sent, since the machine or the process stood still for too long.

    :param timeout: the time allowed, in seconds.
    :param stood_still: for how many seconds nothing happened here; None if that is not
        why.
    """

    def __init__(self, timeout: float, stood_still: float | None = None) -> None:
        super().__init__(texts.heartbeat_timeout(timeout, stood_still))
        self.timeout = timeout
        self.stood_still = stood_still

    @property
    def has_slept(self) -> bool:
        """Whether it was not the server that was silent."""
        return self.stood_still is not None


class ConnectionClosed(ConnectionFailed):
    """An open connection was closed or lost.

    :param code: the WebSocket close code (RFC 6455 section 7.4.1); 1006 means that the
        connection ended without a close frame.
    :param reason: the close frame's text.
    :param was_clean: whether both sides exchanged close frames.
    """

    def __init__(self, code: int, reason: str = "", was_clean: bool = False) -> None:
        super().__init__(reason)
        self.args = (texts.connection_closed(code, reason),)
        self.code = code
        self.was_clean = was_clean


class JoinError(PhoenixError):
    """The server refused a join.

    :param response: the reply's response, as the server sent it.
    :param topic: the channel's topic.
    :ivar reason: ``response["reason"]`` if there is one, else None.
    """

    def __init__(self, response: object, topic: str = "") -> None:
        self.response = response
        self.topic = topic
        self.reason: Any = texts.reason_in(response)
        super().__init__(f"{texts.join_of(topic)} refused: {texts.said_in(response)}")


class JoinTimeout(JoinError, TimeoutError):
    """The server did not answer a join in time, or there was nobody to ask.

    :param timeout: the time allowed, in seconds.
    :param topic: the channel's topic.
    :param obstacle: why the join was never sent: the error for which there was no
        connection, which is the ``__cause__`` then, or words; None if it was sent.
    :ivar response: None.
    :ivar was_sent: whether the join was sent; if it was not, it never will be.
    """

    def __init__(
        self,
        timeout: float,
        topic: str = "",
        obstacle: BaseException | str | None = None,
    ) -> None:
        super().__init__(None, topic)
        self.args = (f"{texts.join_of(topic)} {texts.not_in_time(timeout, obstacle)}",)
        self.timeout = timeout
        self.was_sent = obstacle is None
        if isinstance(obstacle, BaseException):
            self.__cause__ = obstacle


class AlreadyJoined(JoinError):
    """The topic is joined already, or is being joined, on this socket.

    :param channel: the channel that holds the topic; None in an error that was pickled
        or deeply copied.
    :ivar response: None.
    """

    def __init__(self, channel: Any) -> None:
        super().__init__(None, channel.topic)
        self.args = (f"{texts.join_of(channel.topic)} refused: {texts.TAKEN}",)
        self.channel = channel

    def __copy__(self) -> Any:
        return restore(type(self), self.args, self.__dict__)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), self.args, {**self.__dict__, "channel": None})


class PushError(PhoenixError):
    """The server answered a push with a status other than ``"ok"``.

    :param status: the reply's status, ``"error"`` mostly.
    :param response: the reply's response, as the server sent it.
    :param topic: the channel's topic.
    :param event: the pushed event.
    :ivar reason: ``response["reason"]`` if there is one, else None.
    """

    def __init__(
        self, status: str, response: object, topic: str = "", event: str = ""
    ) -> None:
        self.status = status
        self.response = response
        self.topic = topic
        self.event = event
        self.reason: Any = texts.reason_in(response)
        super().__init__(texts.push_answered(event, topic, status, response))


class PushTimeout(PushError, TimeoutError):
    """No reply to a push came in time, or it could not even be sent.

    :param timeout: the time allowed, in seconds.
    :param topic: the channel's topic.
    :param event: the pushed event.
    :param obstacle: why the push was never sent: the error for which there was no
        connection, which is the ``__cause__`` then, or words; None if it was sent.
    :ivar status: ``"timeout"``.
    :ivar response: None.
    :ivar was_sent: whether the push was sent, so that the server may have acted on it.
        If it was not, it never will be.
    """

    def __init__(
        self,
        timeout: float,
        topic: str = "",
        event: str = "",
        obstacle: BaseException | str | None = None,
    ) -> None:
        super().__init__("timeout", None, topic, event)
        self.args = (texts.push_timeout(event, topic, timeout, obstacle),)
        self.timeout = timeout
        self.was_sent = obstacle is None
        if isinstance(obstacle, BaseException):
            self.__cause__ = obstacle


class PushInterrupted(PushError):
    """The connection or the channel ended while a reply was awaited.

    Unless ``was_sent`` is false, the server may have acted on the push.

    :param reason: what ended it, or None.
    :param topic: the channel's topic.
    :param event: the pushed event.
    :param was_sent: whether the system had all of the push; if not, it can be repeated.
    :ivar status: ``"interrupted"``.
    :ivar response: None.
    :ivar cause: the ``reason`` given; it is the ``__cause__`` as well.
    """

    def __init__(
        self,
        reason: BaseException | None,
        topic: str = "",
        event: str = "",
        was_sent: bool = True,
    ) -> None:
        super().__init__("interrupted", None, topic, event)
        self.args = (texts.push_interrupted(event, topic, reason, was_sent),)
        self.was_sent = was_sent
        self.cause = reason
        # A traceback then shows it as well.
        self.__cause__ = reason


class BufferFull(PushError):
    """A push was refused because the buffer for unsent messages is full.

    It was not sent and will not be.

    :param limit: how much the buffer holds: messages, or bytes of ``write_buffer``.
    :param topic: the channel's topic.
    :param event: the pushed event.
    :param buffer: the option whose buffer it is: ``"send_buffer"``,
        ``"push_buffer"``, or ``"write_buffer"`` where the server does not read as
        fast as is written.
    :ivar status: ``"buffer_full"``.
    :ivar response: None.
    """

    def __init__(
        self, limit: int, topic: str = "", event: str = "", buffer: str = ""
    ) -> None:
        super().__init__("buffer_full", None, topic, event)
        self.args = (texts.push_refused(event, topic, limit, buffer),)
        self.limit = limit
        self.buffer = buffer


class ChannelClosed(PhoenixError):
    """The channel was closed: by the server, by a leave, or with its client.

    :param reason: why, as far as it is known: an error, or what the server sent.
    :param topic: the channel's topic.
    :param was_sent: of a push, whether it was sent: the server may have acted on it.
    """

    def __init__(
        self, reason: object = None, topic: str = "", was_sent: bool = False
    ) -> None:
        super().__init__(texts.channel_closed(reason, topic))
        self.reason, self.topic, self.was_sent = reason, topic, was_sent


class SerializerError(PhoenixError, ValueError):
    """A message cannot be encoded, or a frame cannot be decoded.

    The message says what was expected and what came, cut short.
    """


class MessageTooLarge(SerializerError):
    """A message exceeds the limit on its size.

    :param size: the message's size, in bytes.
    :param limit: the largest size allowed, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a message of {size} bytes exceeds the limit of {limit}")
        self.size = size
        self.limit = limit
