"""What the server's answers to long-poll mean.

HTTP's status is 200 and the one that counts is in the body, unless a proxy or a crash
has something to say::

    {"messages":["[...]"],"status":200,"token":"SFMyNTY..."}
"""

from __future__ import annotations

from http import HTTPStatus
from time import time
from typing import Any, Final, cast

from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..errors import ConnectionClosed, MessageTooLarge
from ..options.options import Options
from ..protocol.close_codes import MESSAGE_TOO_BIG, NO_CLOSE_FRAME, PROTOCOL_ERROR
from ..protocol.serializer import default_json
from ..protocol.url import parse
from .http_body import MalformedAnswer
from .http_head import Answer
from .longpoll_requests import is_session_named, secrets_of
from .refusal import refused
from .request_secrets import RequestSecrets
from .retry_after import retry_after

__all__ = [
    "answer_limit",
    "are_texts",
    "closed_by",
    "failed_with",
    "read_answer",
    "session_token",
    "too_large",
]

_NOT_PHOENIX = "not an answer of Phoenix's long-poll"
# A status is told as a close code of an application (RFC 6455 section 7.4.2).
_STATUS_ZERO = 3000
# Phoenix's have some 300 characters.
_LONGEST_TOKEN = 4096

# How much of an answer is taken, in messages of max_message_size, and in any case.
# An answer has all that the server has kept since the last one, however small each
# message is: while a reader pauses, that is what comes in the 15 seconds before
# Phoenix ends the session.
_LARGEST_MESSAGES: Final = 4
_SMALLEST_LIMIT: Final = 16 * 1024 * 1024
_loads = default_json().loads


def answer_limit(options: Options) -> int:
    """The most bytes that an answer may have: it can hold many messages."""
    return max(_SMALLEST_LIMIT, _LARGEST_MESSAGES * options.max_message_size)


def read_answer(answer: Answer) -> tuple[int | None, dict[str, Any]]:
    """What the server says: its status and the body.

    :return: HTTP's own status if that is not 200; no status if the answer is not of
        Phoenix's long-poll.
    """
    if answer.code != 200:
        return answer.code, {}
    try:
        body = _loads(answer.body)
    except (ValueError, RecursionError):
        return None, {}
    status = body.get("status") if isinstance(body, dict) else None
    if not isinstance(status, int) or not 100 <= status <= 599:
        return None, {}
    return status, body


def session_token(answer: Answer, secrets: RequestSecrets | None = None) -> str:
    """The token of the session that the server has opened.

    :param secrets: what the request held, which no error is to hold.
    :raises HandshakeRefused: it has not.
    """
    status, body = read_answer(answer)
    token = body.get("token")
    if status == 410 and _is_token(token):
        return cast(str, token)
    is_page = "html" in answer.headers.get("content-type", "")
    if status in (410, None):
        status, reason = answer.code, _NOT_PHOENIX
    else:
        reason = answer.phrase if answer.code != 200 else _phrase(status)
    said = answer.body if answer.code != 200 or is_page else b""
    raise refused(status, answer.headers, reason, said, secrets)


def _is_token(token: object) -> bool:
    """Whether this can go into the URLs of a session's requests."""
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
        return False
    # JSON allows what UTF-8 does not.
    return not any("\ud800" <= character <= "\udfff" for character in token)


def are_texts(messages: object) -> bool:
    """Whether these are messages, as far as JSON goes."""
    return isinstance(messages, list | tuple) and {str}.issuperset(map(type, messages))


def _phrase(status: int) -> str:
    """The name of a status, if it has one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def closed_by(
    status: int | None, answer: Answer, asked: tuple[str, Headers]
) -> ConnectionClosed:
    """What an answer other than the expected one means.

    :param asked: the URL and the headers of the request, whose secrets no error holds.
    """
    url, headers = asked
    if status is None:
        return ConnectionClosed(PROTOCOL_ERROR, _NOT_PHOENIX)
    if answer.code != 200:
        secrets = secrets_of(parse(url), headers)
        why = refused(status, answer.headers, answer.phrase, answer.body, secrets)
        reason = str(why).removeprefix("handshake refused: ")
    elif status != 410:
        reason = f"{status} {_phrase(status)}".strip()
    elif is_session_named(headers):
        reason = (
            "session gone, or the server does not know the header"
            " x-phoenix-longpoll-token (option longpoll_token_header)"
        )
    else:
        reason = "session gone"
    closed = ConnectionClosed(_STATUS_ZERO + status, reason)
    closed.retry_after = retry_after(answer.headers, time())
    return closed


def failed_with(failure: Failure) -> ConnectionClosed:
    """What a request without an answer that can be read means."""
    error = failure.value
    if isinstance(error, MessageTooLarge):
        return too_large(error)
    is_answered = isinstance(error, MalformedAnswer)
    code = PROTOCOL_ERROR if is_answered else NO_CLOSE_FRAME
    closed = ConnectionClosed(code, str(error))
    closed.__cause__ = error
    return closed


def too_large(error: MessageTooLarge) -> ConnectionClosed:
    """What a message or an answer over the limit means."""
    closed = ConnectionClosed(MESSAGE_TOO_BIG, str(error))
    closed.__cause__ = error
    return closed
