"""The errors that callers over WAMP get, and what they carry.

Each is an ``ApplicationError`` with the URI ``PREFIX.error.<name>``; its keyword
arguments have at least ``topic``, and ``event`` where there is one:

=====================  =============================================================
name                   what has happened
=====================  =============================================================
``refused``            The server has answered with another status than ``ok``; the
                       arguments are that status and the response.
``timeout``            No answer came in time; ``was_sent`` says whether the server
                       may have acted on it.
``interrupted``        The connection or the channel ended before the answer came: the
                       server may have acted on it.
``not_sent``           It was never sent, and can be repeated safely.
``join_refused``       The server has refused the join of the topic; the argument is
                       its response.
``moved``              The topic goes to another bridge just now: call again.
                       The server may have acted on it.
``too_large``          The payload, or the answer, exceeds ``max_payload``: ``size``
                       and ``limit`` in bytes, and ``was_sent``.
                       Also an answer that is nested more than 200 deep, without these
                       two.
``invalid_argument``   An argument is not what it must be.
``internal``           The bridge itself has failed; its log says how.
=====================  =============================================================

But for ``refused`` and ``join_refused`` the one argument is a line for a person.
Two more are WAMP's own.
A call ends with ``wamp.error.canceled`` if its caller cancels it, or if the bridge dies
that it has come to; then the server may have acted on it.
One of ``PREFIX.topic.<topic>`` ends with ``wamp.error.no_such_procedure`` where no
bridge has the topic; then nothing was sent.
"""

from __future__ import annotations

from typing import Any

from autobahn.wamp.exception import ApplicationError

from txphoenix.errors import (
    BufferFull,
    ChannelClosed,
    ConfigurationError,
    JoinError,
    JoinTimeout,
    MessageTooLarge,
    PhoenixError,
    PushError,
    PushInterrupted,
    PushTimeout,
    SerializerError,
)

from .uris import URIs

__all__ = ["call_error", "join_answer", "too_large"]


def call_error(
    uris: URIs, error: PhoenixError, topic: str, event: str | None = None
) -> ApplicationError:
    """What a caller gets where the client has failed with this error."""
    name, args, more = _named(error)
    where = {"topic": topic} if event is None else {"topic": topic, "event": event}
    return ApplicationError(uris.error(name), *args, **where, **more)


def too_large(
    uris: URIs, error: SerializerError, topic: str, event: str, was_sent: bool
) -> ApplicationError:
    """The error of a payload that exceeds the bridge's limit, or is nested too deep."""
    sizes = (
        {"size": error.size, "limit": error.limit}
        if isinstance(error, MessageTooLarge)
        else {}
    )
    return ApplicationError(
        uris.error("too_large"),
        str(error),
        topic=topic,
        event=event,
        was_sent=was_sent,
        **sizes,
    )


def join_answer(error: BaseException) -> JoinError | None:
    """The refusal in an error of a join; None where the server has not answered."""
    if isinstance(error, ChannelClosed) and isinstance(error.reason, BaseException):
        return join_answer(error.reason)
    if isinstance(error, JoinError) and not isinstance(error, JoinTimeout):
        return error
    return None


# The name, the arguments and the keyword arguments.
_Named = tuple[str, tuple[Any, ...], dict[str, Any]]


def _named(error: PhoenixError) -> _Named:
    refusal = join_answer(error)
    if refusal is not None:
        return "join_refused", (refusal.response,), {"message": str(refusal)}
    text = (str(error),)
    if isinstance(error, PushTimeout | JoinTimeout):
        # No push was sent where the join was not answered.
        was_sent = isinstance(error, PushTimeout) and error.was_sent
        return "timeout", text, {"was_sent": was_sent, "timeout": error.timeout}
    if isinstance(error, PushInterrupted | ChannelClosed):
        return ("interrupted" if error.was_sent else "not_sent"), text, {}
    if isinstance(error, SerializerError | ConfigurationError):
        return "invalid_argument", text, {}
    if isinstance(error, PushError) and not isinstance(error, BufferFull):
        return "refused", (error.status, error.response), {"message": str(error)}
    # There is no connection, or no room to keep it.
    return "not_sent", text, {}
