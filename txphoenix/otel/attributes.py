"""What spans say, by the names of OpenTelemetry's semantic conventions.

Names of spans and their values have few different ones: a topic is in an attribute.
Neither payloads nor what the server answers is in any, nor a token, a header or a
query's value.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.trace import Span, Status, StatusCode

from ..errors import JoinError, PhoenixError, PushError

__all__ = ["SYSTEM", "call_attributes", "fail", "url_attributes"]

SYSTEM: Final = "phoenix"
"""``messaging.system`` of all spans."""

_PORTS: Final = {"ws": 80, "http": 80, "wss": 443, "https": 443}


def url_attributes(url: str) -> dict[str, Any]:
    """Which server it is.

    :param url: the URL as it may be shown.
    """
    attributes: dict[str, Any] = {"messaging.system": SYSTEM}
    if url:
        attributes["url.full"] = url
    # What stands for the userinfo has brackets, which are an address's elsewhere.
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    try:
        parts = urlsplit(
            f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
        )
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        # It is a URL that could not be connected to.
        return attributes
    if host:
        attributes["server.address"] = host
        if port is not None:
            attributes["server.port"] = port
    return attributes


def call_attributes(
    server: dict[str, Any], operation: str, topic: str, event: str | None = None
) -> dict[str, Any]:
    """What is called, and where.

    :param server: the attributes of the server.
    """
    attributes = {
        name: value for name, value in server.items() if name != "url.full"
    } | {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": "send",
        "messaging.destination.name": str(topic),
        "phoenix.topic": str(topic),
    }
    if event is not None:
        attributes["phoenix.event"] = str(event)
    return attributes


def fail(span: Span, error: BaseException) -> None:
    """Record an error: its class, and what it says where that is the library's own."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    span.set_attribute("error.type", kind)
    event = {"exception.type": kind}
    words = None
    # What the server has refused is quoted in the text, even without a response.
    is_refusal = type(error) in (PushError, JoinError)
    if isinstance(error, PhoenixError) and not is_refusal:
        words = event["exception.message"] = str(error)
    span.add_event("exception", event)
    span.set_status(Status(StatusCode.ERROR, words or type(error).__name__))
    # The status alone of what the server said.
    if isinstance(error, PushError):
        span.set_attribute("phoenix.reply.status", _status(error.status))
    elif type(error) is JoinError:
        span.set_attribute("phoenix.reply.status", "error")


def _status(status: object) -> str:
    # A server may send anything.
    return status[:100] if isinstance(status, str) else "malformed"
