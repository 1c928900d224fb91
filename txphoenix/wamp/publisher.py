"""Publishes what comes from Phoenix, as fast as the router takes it.

WAMP does not answer a publication unless asked to.
The bridge asks once for so many bytes, and so knows how much the router has not taken
yet; beyond a limit the channels hold their messages, and in the end their connections,
back.
It asks for each topic's first as well, so that one that the router refuses is in the
log.

What is not published is told: counted, said once a topic in the log, and published as
the event ``phx_error`` of the topic.
"""

from __future__ import annotations

from typing import Any, Protocol

from autobahn.exception import PayloadExceededError
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import PublishOptions
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from txphoenix.errors import MessageTooLarge, SerializerError
from txphoenix.runtime.elapsed import elapsed_time
from txphoenix.runtime.package_log import package_log
from txphoenix.runtime.repeats import Repeats
from txphoenix.serializer import default_json

from .uris import URIs

__all__ = ["PHX_ERROR", "PHX_JOIN", "Publisher", "Realm", "check_size", "size_of"]

log = Logger("txphoenix.wamp", observer=package_log)

PHX_ERROR = "phx_error"
"""The event that tells subscribers of a topic what went wrong."""

PHX_JOIN = "phx_join"
"""The event that tells that a topic which was interrupted is joined again."""

_JSON = default_json()
_ACKNOWLEDGE = PublishOptions(acknowledge=True)
# How deep arrays and objects may be nested, far less than Autobahn's serializers take
# (cbor2 400, msgpack 511, with WAMP's own): who gets more of them from the router
# loses its connection, be it the router, a bridge or a subscriber.
_DEEPEST = 200
# What a message takes beside its payload, in bytes, roughly.
_OVERHEAD = 256
# Once in so many bytes an answer is asked for.
_ASK_EVERY = 64 * 1024
# How many may be without an answer.
_MOST_UNANSWERED = 1024 * 1024


class Realm(Protocol):
    """A session that has joined the realm."""

    def publish(self, topic: str, *args: Any, options: Any = None) -> Any:
        """Publish; see :class:`autobahn.wamp.interfaces.IPublisher`."""


def size_of(payload: Any) -> int:
    """How large a payload is: its bytes, or those of its JSON.

    :raises SerializerError: it is neither bytes nor a JSON value, or nested too deep.
    """
    if isinstance(payload, bytes):
        return len(payload)
    try:
        text = _JSON.dumps(payload)
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError) as error:
        raise SerializerError(f"the payload is no JSON value: {error}") from None
    data = text if isinstance(text, bytes) else text.encode()
    # Nearly all payloads have fewer of these, and need no closer look.
    if data.count(b"[") + data.count(b"{") > _DEEPEST:
        _check_depth(payload)
    return len(data)


def check_size(payload: Any, limit: int) -> int:
    """How large a payload is, if it is not too large.

    :raises MessageTooLarge: it is.
    :raises SerializerError: see :func:`size_of`.
    """
    size = size_of(payload)
    if size > limit:
        raise MessageTooLarge(size, limit)
    return size


def _check_depth(payload: Any) -> None:
    level = [payload]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list | tuple)
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list | tuple)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> SerializerError:
    return SerializerError(
        f"the payload is nested more than {_DEEPEST} arrays and objects deep"
    )


class Publisher:
    """Publishes events of Phoenix topics.

    :param realm: where to.
    :param max_payload: the largest payload that is published, in bytes.
    :param clock: tells the time for the log.
    :ivar repeats: what is told of many topics in one moment.
    :ivar dropped: how many events were not published.
    """

    def __init__(
        self, realm: Realm, uris: URIs, max_payload: int, clock: IReactorTime
    ) -> None:
        self._realm = realm
        self._uris = uris
        self._max_payload = max_payload
        self.repeats = Repeats(elapsed_time(clock))
        self.dropped = 0
        # Of each topic, what has been said of it.
        self._told: dict[str, set[str]] = {}
        self._is_stopped = False
        # Bytes since an answer was asked for, and those which one is awaited for.
        self._unasked = 0
        self._unanswered = 0
        self._waiting: list[Deferred[None]] = []

    @property
    def is_writable(self) -> bool:
        """Whether the router takes what it is given."""
        return self._is_stopped or self._unanswered < _MOST_UNANSWERED

    def when_writable(self) -> Deferred[None]:
        """Wait until the router has taken half of what it was given."""
        if self.is_writable:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def publish(
        self, topic: str, event: str, payload: Any, *, is_limited: bool = True
    ) -> None:
        """Publish an event; it raises nothing."""
        try:
            if is_limited:
                size = check_size(payload, self._max_payload)
            else:
                size = size_of(payload)
            self._send(topic, event, payload, size)
        except MessageTooLarge as error:
            self._drop(topic, event, "too_large", error, size=error.size)
        except PayloadExceededError as error:
            self._drop(topic, event, "too_large", error)
        except TransportLost:
            # The session ends, and all of the bridge with it.
            self.dropped += 1
        except Exception as error:
            self._drop(topic, event, "not_published", error)

    def tell(self, topic: str, name: str, text: str, **more: Any) -> None:
        """Tell the subscribers of a topic what went wrong.

        A response that is too large or too deep is left out; the text has what fits.

        :param name: as of the errors of calls.
        """
        payload = {"error": name, "message": text, **more}
        if "response" in payload:
            try:
                check_size(payload["response"], self._max_payload)
            except SerializerError:
                del payload["response"]
        self.publish(topic, PHX_ERROR, payload, is_limited=False)

    def forget(self, topic: str) -> None:
        """Begin anew with a topic, when it is taken again."""
        self._told.pop(topic, None)

    def stop(self) -> None:
        """Publish no more, and hold nobody back."""
        self._is_stopped = True
        self._fire_waiting()

    def _send(self, topic: str, event: str, payload: Any, size: int) -> None:
        if self._is_stopped:
            raise TransportLost
        uri = self._uris.event(topic, event)
        self._unasked += size + _OVERHEAD
        if topic in self._told and self._unasked < _ASK_EVERY:
            self._realm.publish(uri, payload)
            return
        self._told.setdefault(topic, set())
        asked, self._unasked = self._unasked, 0
        self._unanswered += asked

        def answered(result: Any) -> None:
            self._unanswered -= asked
            if self._unanswered * 2 <= _MOST_UNANSWERED:
                self._fire_waiting()
            if isinstance(result, Failure):
                self._refused(topic, uri, result)

        try:
            answer = self._realm.publish(uri, payload, options=_ACKNOWLEDGE)
        except BaseException:
            self._unanswered -= asked
            raise
        answer.addBoth(answered)

    def _fire_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def _refused(self, topic: str, uri: str, failure: Failure) -> None:
        if self._is_stopped or not isinstance(failure.value, ApplicationError):
            return
        self.dropped += 1
        if self._is_news(topic, "refused"):
            self.repeats.emit(
                log,
                LogLevel.error,
                "{topic}: the router refuses to publish {uri}: {reason}",
                topic=topic,
                uri=uri,
                reason=failure.value.error_message(),
            )

    def _drop(
        self, topic: str, event: str, name: str, error: Exception, **more: Any
    ) -> None:
        self.dropped += 1
        if self._is_news(topic, name):
            self.repeats.emit(
                log,
                LogLevel.warn,
                "{topic}: {event} was not published: {reason}; those that follow are"
                " told to subscribers alone, by {told}",
                topic=topic,
                event=event,
                reason=error,
                told=PHX_ERROR,
            )
        if event != PHX_ERROR:
            limit = {"limit": self._max_payload} if name == "too_large" else {}
            self.tell(topic, name, str(error), event=event, **more, **limit)

    def _is_news(self, topic: str, name: str) -> bool:
        told = self._told.setdefault(topic, set())
        if name in told:
            return False
        told.add(name)
        return True
