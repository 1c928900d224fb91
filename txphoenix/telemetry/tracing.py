"""Who is told of a call where it is made, and may add to what it sends.

The events of telemetry tell what has become of a call, when that is known.
Whoever traces has to know of it where it is made, in the context of its caller, and
may hand that context on in the payload::

    an attempt to connect  ->  connect_begins: who is told of the end
    push()  ->  push_begins: the payload that is sent, and who is told of the end
    join()  ->  join_begins: who is told of the end
                join_sends: the params that are sent, at each attempt

With no tracer a call costs one truth test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..protocol.redact import redact_url
from ..runtime.package_log import package_log

__all__ = [
    "CallEnded",
    "Tracer",
    "attach_tracer",
    "begin_connect",
    "begin_join",
    "begin_push",
    "detach_tracer",
    "end_connect",
    "params_to_send",
    "tracers",
]

log = Logger("txphoenix.telemetry", observer=package_log)

CallEnded: TypeAlias = Callable[[BaseException | None], object]
"""Is told, just before its caller, how a call has ended: the error, or None."""


class Tracer(Protocol):
    """Is told of calls in the reactor's thread, where they are made.

    What it raises is logged; the call goes on without it, and it is told no more but of
    the ends of what it was told of.
    """

    def connect_begins(self, client: Any, url: str) -> CallEnded | None:
        """An attempt to connect begins.

        :param url: the URL, without the values in its query.
        :return: whom to tell of the end.
        """

    def push_begins(
        self, client: Any, channel: Any, event: str, payload: Any, wants_reply: bool
    ) -> tuple[Any, CallEnded | None]:
        """``push()`` or, without a reply, ``push_async()`` is called.

        One whose arguments are wrong is not told of.

        :return: the payload that is sent, and whom to tell of the end; the payload that
            was given must not be changed.
            Of ``push_async()`` no end is told.
        """

    def join_begins(self, client: Any, channel: Any) -> CallEnded | None:
        """``join()`` is called, or the client joins by itself what it was told to.

        :return: whom to tell of the end.
        """

    def join_sends(self, client: Any, channel: Any, params: Any) -> Any:
        """A join is about to be sent, the first time or again.

        How it ends :data:`~txphoenix.telemetry.CHANNEL` tells, or the end of the
        connection; the next attempt is told of as another one.

        :return: the params that are sent.
        """


# Changed in place and never replaced, as the lists of handlers are.
tracers: list[Tracer] = []


def attach_tracer(tracer: Tracer) -> None:
    """Have a tracer told of the calls of all clients, from now on."""
    tracers.append(tracer)


def detach_tracer(tracer: Tracer) -> bool:
    """Tell a tracer no more but of the ends of what it was told of.

    :return: whether it was attached.
        One that raised is detached already.
    """
    kept = [each for each in tracers if each is not tracer]
    found = len(kept) < len(tracers)
    tracers[:] = kept
    return found


def begin_connect(client: object, url: str) -> list[tuple[Tracer, CallEnded]]:
    """Tell of an attempt to connect; return whom to tell of its end."""
    ends = []
    for tracer in tuple(tracers):
        try:
            ended = tracer.connect_begins(client, redact_url(url))
        except BaseException:
            _failed(tracer)
        else:
            if ended is not None:
                ends.append((tracer, ended))
    return ends


def end_connect(
    ends: list[tuple[Tracer, CallEnded]], error: BaseException | None
) -> None:
    """Tell of its end, once."""
    while ends:
        tracer, ended = ends.pop(0)
        try:
            ended(error)
        except BaseException:
            _failed(tracer)


def begin_push(
    client: object,
    channel: object,
    event: str,
    payload: Any,
    deferred: Deferred[Any] | None,
) -> Any:
    """Tell of a push.

    :param deferred: what its caller will have; None without a reply.
    :return: the payload that is sent.
    """
    for tracer in tuple(tracers):
        try:
            payload, ended = tracer.push_begins(
                client, channel, event, payload, deferred is not None
            )
        except BaseException:
            _failed(tracer)
        else:
            _tell_end(tracer, ended, deferred)
    return payload


def begin_join(client: object, channel: object, deferred: Deferred[Any]) -> None:
    """Tell of a join.

    :param deferred: what its caller will have.
    """
    for tracer in tuple(tracers):
        try:
            ended = tracer.join_begins(client, channel)
        except BaseException:
            _failed(tracer)
        else:
            _tell_end(tracer, ended, deferred)


def params_to_send(client: object, channel: object, params: Any) -> Any:
    """Tell of an attempt to join; return the params that are sent."""
    for tracer in tuple(tracers):
        try:
            params = tracer.join_sends(client, channel, params)
        except BaseException:
            _failed(tracer)
    return params


def _tell_end(
    tracer: Tracer, ended: CallEnded | None, deferred: Deferred[Any] | None
) -> None:
    if ended is None or deferred is None:
        return

    def tell(result: Any) -> Any:
        try:
            ended(result.value if isinstance(result, Failure) else None)
        except BaseException:
            _failed(tracer)
        return result

    deferred.addBoth(tell)


def _failed(tracer: Tracer) -> None:
    """Log what a tracer has just raised, and tell it no more."""
    # Whatever it raised, the call must not suffer for its observer.
    log.failure(
        "the tracer {tracer!r} raised; it is detached",
        level=LogLevel.error,
        tracer=tracer,
    )
    detach_tracer(tracer)
