"""Broadcasts by HTTP, for which no channel has to be joined.

=========================================  ===========================================
request                                    what it sends
=========================================  ===========================================
``POST .../api/broadcast``                 messages, as a JSON object
``POST .../broadcast/:topic/events/:event``  the body: bytes, or any JSON value
=========================================  ===========================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks, succeed
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

from txphoenix.errors import ConfigurationError, SerializerError
from txphoenix.legible import cut

from .errors import SendError, SendTimeout

__all__ = ["BroadcastSender"]

_LONGEST_BODY = 4096
_ACCEPTED = (200, 202)


class BroadcastSender:
    """Sends broadcasts of one project by HTTP.

    :param reactor: connects.
    :param url: the project's Realtime: ``https://ref.supabase.co/realtime/v1``.
    :param credentials: returns a Deferred of the key and the access token.
    :param agent: returns what makes a request, by the options of that moment.
        No connection of its may outlive an answer, so that nothing is left at the end.
    """

    def __init__(
        self,
        reactor: Any,
        url: str,
        credentials: Callable[[], Deferred[tuple[str, str | None]]],
        agent: Callable[[], IAgent],
    ) -> None:
        self._reactor = reactor
        self._url = f"{url}/api/broadcast"
        self._credentials = credentials
        self._agent = agent
        self._sending: set[Deferred[None]] = set()

    def stop(self) -> None:
        """Give up what is under way."""
        # What they fail with says what was cancelled, such as a look-up of a name.
        given_up, self._sending = self._sending, set()
        for sending in given_up:
            sending.cancel()

    def send(
        self,
        topic: str,
        event: str,
        payload: Any,
        private: bool,
        timeout: float,
        stored: Mapping[str, Any],
    ) -> Deferred[None]:
        """Send one broadcast; bytes will do as its payload.

        :param topic: without ``realtime:``.
        :param timeout: seconds, until the answer is there.
        :param stored: see :meth:`.ChannelConfig.stored`.
        :return: a Deferred of None.
            It fails with :exc:`SendError`, or with :exc:`SerializerError` if the
            payload is no JSON.
        """
        url = f"{self._url}/{quote(topic, safe='')}/events/{quote(event, safe='')}"
        if private:
            url += f"?private=true{_query_of(stored)}"
        if isinstance(payload, (bytes, bytearray, memoryview)):
            kind, body = "application/octet-stream", bytes(payload)
            return self._start(topic, event, url, kind, lambda: body, timeout)
        return self._start(
            topic, event, url, "application/json", lambda: _dumps(payload), timeout
        )

    def send_as_message(
        self, topic: str, event: str, payload: Any, private: bool, timeout: float
    ) -> Deferred[None]:
        """Send one broadcast in the way that servers before 2.97 know too.

        Its payload is a JSON object.
        The parameters and the Deferred are those of :meth:`send`.
        """
        message = {
            "topic": topic,
            "event": event,
            "payload": payload,
            "private": private,
        }
        return self._start(
            topic,
            event,
            self._url,
            "application/json",
            lambda: _dumps({"messages": [message]}),
            timeout,
        )

    def _start(
        self,
        topic: str,
        event: str,
        url: str,
        kind: str,
        body: Callable[[], bytes],
        timeout: float,
    ) -> Deferred[None]:
        sending = self._post(topic, event, url, kind, body)
        self._sending.add(sending)
        is_late = False

        def give_up() -> None:
            nonlocal is_late
            is_late = True
            sending.cancel()

        timer = self._reactor.callLater(timeout, give_up)

        def ended(result: Any) -> Any:
            is_stopped = sending not in self._sending
            self._sending.discard(sending)
            if timer.active():
                timer.cancel()
            if not isinstance(result, Failure):
                return result
            if is_late:
                raise SendTimeout(topic, event, timeout) from None
            if is_stopped:
                raise CancelledError from None
            return _as_send_error(result, topic, event)

        return sending.addBoth(ended)

    @inlineCallbacks
    def _post(
        self, topic: str, event: str, url: str, kind: str, content: Callable[[], bytes]
    ) -> Any:
        data = content()
        try:
            apikey, token = yield self._credentials()
        except (CancelledError, ConfigurationError):
            raise
        except Exception as error:
            # Its text is the user's, and may hold a secret.
            reason = f"the key or the token raised {type(error).__name__}"
            raise SendError(topic, event, reason) from error
        headers: dict[Any, Any] = {"apikey": apikey, "Content-Type": kind}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        client = HTTPClient(self._agent())
        # A token goes to no other host.
        response = yield client.post(
            url, headers=headers, data=_Body(data), allow_redirects=False
        )
        body = bytearray()

        def take(chunk: bytes) -> None:
            if len(body) < _LONGEST_BODY:
                body.extend(chunk)

        yield response.collect(take)
        if response.code not in _ACCEPTED:
            said = _said(bytes(body[:_LONGEST_BODY]), apikey, token)
            raise SendError(topic, event, said, response.code)


@implementer(IBodyProducer)
class _Body:
    """The body of a request.

    treq's own raises when a connection ends before the request is on its way, which
    then hides why it has ended.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        pass

    resumeProducing = stopProducing = pauseProducing


def _as_send_error(failure: Failure, topic: str, event: str) -> Failure:
    error = failure.value
    if isinstance(error, (ConfigurationError, SendError, SerializerError)):
        return failure
    if isinstance(error, (CancelledError, ConnectingCancelledError)):
        return Failure(CancelledError())
    # Twisted's errors of a request say no more than that there were others.
    while reasons := getattr(error, "reasons", None):
        error = reasons[0].value
    if isinstance(error, CancelledError):
        return Failure(error)
    reason = cut(f"{type(error).__name__}: {error}")
    return Failure(SendError(topic, event, reason))


def _query_of(stored: Mapping[str, Any]) -> str:
    """What the URL says of a broadcast that is to be stored, as Phoenix reads it."""
    persist = stored.get("persist")
    if persist is None:
        return ""
    return "&persist=true" if persist is True else f"&persist%5Bttl%5D={persist['ttl']}"


def _said(body: bytes, *secrets: str | None) -> str:
    """What a refusal says, without what was sent to the server in confidence."""
    try:
        told = json.loads(body)
        text = str(told.get("error") or told.get("message") or told)
    except (ValueError, AttributeError, RecursionError):
        text = body.decode("utf-8", "replace")
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    return cut(text) if text else "the server did not say why"


def _dumps(payload: Any) -> bytes:
    try:
        return json.dumps(payload, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializerError(f"cannot encode a broadcast: {error}") from error
