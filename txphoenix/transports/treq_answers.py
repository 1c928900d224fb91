"""What treq and Twisted's agent have for answers and errors, as ours."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss

from ..errors import ConnectionFailed, MessageTooLarge
from .http_body import AnswerBody, MalformedAnswer
from .http_head import LONGEST_PHRASE, Answer
from .http_requests import cause_of
from .treq_connections import Connection

__all__ = ["BodyProtocol", "answer_of", "cause_of_treq"]


class BodyProtocol(Protocol):
    """Has the body of an answer collected.

    :param body: collects it.
    :param connection: knows whether it was cut off.
    """

    def __init__(self, body: AnswerBody, connection: Connection) -> None:
        self._body = body
        self._connection = connection

    def connectionMade(self) -> None:
        """Begin."""
        self._body.begin()

    def dataReceived(self, data: bytes) -> None:
        """Take what has come."""
        self._body.take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell what has become of it.

        Not before: the pool takes a connection back while the last of an answer is
        being delivered, and whoever is told may close the pool.
        """
        if reason.check(ResponseDone):
            self._body.end()
        elif reason.check(PotentialDataLoss):
            # A server that ends the body with the connection cannot tell that it is
            # whole; but the connection may have been cut off.
            connection = self._connection
            is_cut_off = connection.is_cut_off
            self._body.end(Failure(connection.lost_with) if is_cut_off else None)
        else:
            self._body.end(reason)


def answer_of(
    response: Any, lines: tuple[tuple[str, str], ...], content: bytes
) -> Answer:
    """Make an answer of what HTTP's client has read.

    :raises MalformedAnswer: it has a status that none has.
    """
    if not 100 <= response.code <= 999:
        raise MalformedAnswer("the status of an answer must have three digits")
    headers: dict[str, list[str]] = {}
    for name, value in lines:
        headers.setdefault(name.lower(), []).append(value)
    return Answer(
        response.code,
        response.phrase[:LONGEST_PHRASE].decode("latin-1"),
        {name: ", ".join(values) for name, values in headers.items()},
        content,
        lines,
    )


def cause_of_treq(error: BaseException | None) -> BaseException:
    """What a request has failed with, of what HTTP's client says of it.

    That has a list of failures, of which the first is the cause.
    """
    is_answer = isinstance(error, ResponseFailed)
    if isinstance(
        error, ResponseFailed | RequestTransmissionFailed | RequestGenerationFailed
    ):
        error = error.reasons[0].value
    is_known = isinstance(error, CancelledError | ConnectionFailed | MessageTooLarge)
    if is_answer and not is_known:
        # Whatever was raised while it was read; its frames hold the request.
        return MalformedAnswer(f"an answer is not HTTP ({type(error).__name__})")
    return cause_of(error)
