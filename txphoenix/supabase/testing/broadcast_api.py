"""Broadcasts by HTTP: ``RealtimeWeb.BroadcastController`` and its like for one message.

====================================================  =================================
request                                               what is sent
====================================================  =================================
``POST /realtime/v1/api/broadcast``                   each of ``messages``
``POST .../broadcast/:topic/events/:event``           the body, JSON or bytes
====================================================  =================================

The answer is 202 without a body, or one that says why not: 400 (no JSON), 401 (no valid
token), 403 (not allowed), 415 (neither JSON nor bytes), 422 (something is missing) or
429 (too much).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from .codecs import BROADCAST, UserBroadcast
from .tenant import Seat, Tenant
from .tokens import TokenFault

__all__ = ["BroadcastAPI"]

_PATH = ["realtime", "v1", "api", "broadcast"]
_BLANK = ["can't be blank"]
_JSON, _BYTES = "application/json", "application/octet-stream"


class _Answer(Exception):
    """What is answered instead of 202."""

    def __init__(self, status: int, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class BroadcastAPI(Resource):
    """Takes broadcasts by HTTP.

    :param tenant: whose channels are told.
    :param when_resumed: the server is not paused once the Deferred of it has fired.
    """

    isLeaf = True

    def __init__(
        self, tenant: Tenant, when_resumed: Callable[[], Deferred[None]]
    ) -> None:
        super().__init__()
        self._tenant = tenant
        self._when_resumed = when_resumed

    def render(self, request: Request) -> int:
        """Answer, once the server is not paused."""
        answering = self._when_resumed()
        answering.addCallback(lambda _: self._answer(request))
        # The client may be gone before.
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addErrback(lambda failure: failure.trap(CancelledError) and None)
        return NOT_DONE_YET

    def _answer(self, request: Request) -> None:
        status, body = 202, b""
        try:
            self._take(request)
        except _Answer as answer:
            status = answer.status
            body = b"" if answer.body is None else json.dumps(answer.body).encode()
        request.setResponseCode(status)
        headers = request.responseHeaders
        if body:
            headers.setRawHeaders(b"content-type", [b"application/json; charset=utf-8"])
        headers.setRawHeaders(b"content-length", [b"%d" % len(body)])
        request.write(body)
        request.finish()

    def _take(self, request: Request) -> None:
        """Send what has come.

        :raises _Answer: nothing is sent.
        """
        # What was percent-encoded has been decoded, part by part.
        parts = [part.decode("utf-8", "replace") for part in request.postpath or ()]
        below = parts[len(_PATH) :]
        is_one = len(below) == 3 and below[1] == "events"
        is_known = parts[: len(_PATH)] == _PATH and (not below or is_one)
        if not is_known or request.method != b"POST":
            raise _Answer(404)
        if self._tenant.send_status is not None:
            raise _Answer(self._tenant.send_status)
        claims = self._claims(request)
        if is_one:
            self._take_one(request, claims, below[0], below[2])
        else:
            self._take_batch(_json(request), claims)

    def _claims(self, request: Request) -> Mapping[str, Any]:
        """The claims of the request's token: ``RealtimeWeb.AuthTenant``."""
        scheme, _, token = (request.getHeader("authorization") or "").partition(" ")
        key = token if scheme.lower() == "bearer" else request.getHeader("apikey")
        try:
            return self._tenant.verified(self._tenant.as_token(key))
        except TokenFault as fault:
            raise _Answer(401, {"message": "Unauthorized"}) from fault

    def _take_one(
        self, request: Request, claims: Mapping[str, Any], topic: str, event: str
    ) -> None:
        """Send the body: ``Realtime.Tenants.SingleBroadcast``.

        Without a type it is JSON (``RealtimeWeb.Plugs.ValidateBroadcastContentType``).
        """
        kind = request.getHeader("content-type") or _JSON
        if kind.startswith(_BYTES):
            broadcast = UserBroadcast.of(event, _body(request))
        elif kind.startswith(_JSON):
            broadcast = UserBroadcast.of(event, _json(request))
        else:
            fault = f"Unsupported Media Type. Use {_JSON} or {_BYTES}"
            raise _Answer(415, {"error": fault})
        private = (request.args or {}).get(b"private") == [b"true"]
        if self._tenant.is_too_large(broadcast):
            faults = {"payload": ["Payload size exceeds tenant limit"]}
            raise _Answer(422, {"errors": faults})
        self._check_rate(1)
        if private and not self._may_write(claims, topic):
            raise _Answer(403, {"message": "Unauthorized"})
        seats = Seat.topic_of(f"realtime:{topic}", private)
        self._tenant.dispatch(seats, broadcast)

    def _take_batch(self, body: Any, claims: Mapping[str, Any]) -> None:
        """Send each of the messages: ``Realtime.Tenants.BatchBroadcast``.

        A private one that the client may not send is left out without a word.
        """
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or not messages:
            raise _Answer(422, {"errors": {"messages": _BLANK}})
        faults = [_faults(message) for message in messages]
        if any(faults):
            raise _Answer(422, {"errors": {"messages": faults}})
        self._check_rate(len(messages))
        for message in messages:
            topic, private = message["topic"], message.get("private") is True
            if private and not self._may_write(claims, topic):
                continue
            payload = {
                "payload": message["payload"],
                "event": message["event"],
                "type": BROADCAST,
            }
            if message.get("id"):
                payload["meta"] = {"id": message["id"]}
            seats = Seat.topic_of(f"realtime:{topic}", private)
            self._tenant.dispatch(seats, payload)

    def _check_rate(self, count: int) -> None:
        if not self._tenant.has_room_for(count):
            raise _Answer(429, {"message": "You have exceeded your rate limit"})

    def _may_write(self, claims: Mapping[str, Any], topic: str) -> bool:
        return self._tenant.settings.policy(claims, topic, "broadcast.write")


def _body(request: Request) -> bytes:
    return b"" if request.content is None else request.content.read()


def _json(request: Request) -> Any:
    try:
        return json.loads(_body(request))
    except (ValueError, RecursionError) as error:
        raise _Answer(400) from error


def _faults(message: Any) -> dict[str, Any]:
    """What a message of a batch lacks."""
    if not isinstance(message, dict):
        return {"messages": ["is invalid"]}
    kinds = {"topic": str, "event": str, "payload": dict}
    faults: dict[str, Any] = {}
    for name, kind in kinds.items():
        if message.get(name) in (None, ""):
            faults[name] = _BLANK
        elif not isinstance(message[name], kind):
            faults[name] = ["is invalid"]
    return faults
