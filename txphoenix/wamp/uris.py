"""The bridge's URIs, each of which begins with its prefix.

::

    PREFIX.<topic>.<event>          an event, where something is published
    PREFIX.<topic>.phx_interest     nothing is published: to subscribe is to want it
    PREFIX.push  PREFIX.presence    the procedures of all workers
    PREFIX.topic.<topic>            the procedure of the one worker that has the topic
    PREFIX.error.<name>             an error

A topic and an event are one component of a URI each.
What WAMP's loose rule for URIs forbids in one (white space, ``.`` and ``#``), control
characters, and ``%`` are percent-encoded, as UTF-8 in upper-case hexadecimal digits; an
empty one is ``%`` alone.
All else stays as it is, so that ``new_msg`` in ``rooms:lobby`` is
``phx.rooms:lobby.new_msg``.

Nothing collides: URIs of procedures and errors are no topics of WAMP's, and what begins
with ``phx_`` is no event of a server's, but Phoenix's own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from txphoenix.errors import ConfigurationError

__all__ = [
    "URIs",
    "check_prefix",
    "escaped",
    "event_uri",
    "split_uri",
    "topic_uri",
    "unescaped",
]

# A client that makes up topics or events must not fill the memory with them.
_REMEMBERED = 4096
# What Python calls white space is more than ASCII's, and is what routers look for.
_ESCAPED = re.compile(r"[\s.#%\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ENCODED = re.compile(r"(?:%[0-9A-F]{2})+")
# What is at most one WAMP component.
_COMPONENT = re.compile(r"[^\s.#]+")
_EMPTY = "%"
_INTEREST = "phx_interest"
# Of a wildcard or a prefix: the topic, and the event.
_COMPONENTS = 2


@lru_cache(_REMEMBERED)
def escaped(text: str) -> str:
    """A topic or an event as one component of a URI."""
    return _ESCAPED.sub(_percent, text) or _EMPTY


@lru_cache(_REMEMBERED)
def unescaped(component: str) -> str:
    """The topic or the event that a component stands for.

    :raises ConfigurationError: it stands for none: :func:`escaped` makes no such one.
    """
    text = _decoded(component)
    if text is None or escaped(text) != component:
        raise ConfigurationError(
            f"{component!r:.200} is no component of an event's URI: white space, '.',"
            " '#', '%' and control characters are percent-encoded, in upper case, and"
            " nothing else is"
        )
    return text


def _percent(match: re.Match[str]) -> str:
    encoded = match.group().encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in encoded)


def _decoded(component: str) -> str | None:
    if component == _EMPTY:
        return ""
    try:
        return _ENCODED.sub(
            lambda match: bytes.fromhex(match.group().replace("%", "")).decode(
                "utf-8", "surrogatepass"
            ),
            component,
        )
    except ValueError:
        return None


def check_prefix(prefix: object) -> str:
    """Check what all URIs begin with.

    :param prefix: components with a dot between each two, such as ``"org.example"``.
    :raises ConfigurationError: it is not that, or one that WAMP keeps for itself.
    """
    if not isinstance(prefix, str) or not all(
        _COMPONENT.fullmatch(part) for part in prefix.split(".")
    ):
        raise ConfigurationError(
            "prefix must be a URI of WAMP's, such as 'phx' or 'org.example.chat', not"
            f" {prefix!r:.100}"
        )
    if prefix.split(".")[0] == "wamp":
        raise ConfigurationError(
            f"prefix must not begin with 'wamp', which is the router's: {prefix!r:.100}"
        )
    return prefix


def event_uri(prefix: str, topic: str, event: str) -> str:
    """The URI under which an event of a Phoenix topic is published.

    >>> event_uri("phx", "rooms:lobby", "new_msg")
    'phx.rooms:lobby.new_msg'
    >>> event_uri("phx", "v1.2 beta", "")
    'phx.v1%2E2%20beta.%'

    :param prefix: the bridge's.
    :raises ConfigurationError: the prefix is none, or the others are no texts.
    """
    topic, event = _component("a topic", topic), _component("an event", event)
    return f"{check_prefix(prefix)}.{topic}.{event}"


def topic_uri(prefix: str, topic: str) -> str:
    """The URI of the procedure of the one bridge that has a Phoenix topic.

    >>> topic_uri("phx", "rooms:lobby")
    'phx.topic.rooms:lobby'

    :param prefix: the bridge's.
    :raises ConfigurationError: the prefix is none, or the topic is no text.
    """
    return f"{check_prefix(prefix)}.topic.{_component('a topic', topic)}"


def _component(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {value!r:.100}")
    return escaped(value)


def split_uri(prefix: str, uri: str) -> tuple[str, str]:
    """The topic and the event whose URI it is: the reverse of :func:`event_uri`.

    Who subscribes to a prefix asks for the details of an event, and learns by
    ``split_uri(prefix, details.topic)`` which one it is.

    >>> split_uri("phx", "phx.v1%2E2%20beta.%")
    ('v1.2 beta', '')

    :raises ConfigurationError: it is the URI of no event.
    """
    parts = _below(check_prefix(prefix), uri)
    if parts is None or len(parts) != _COMPONENTS:
        raise ConfigurationError(
            f"{uri!r:.200} is not the URI of an event: {prefix}.<topic>.<event>"
        )
    topic, event = parts
    return unescaped(topic), unescaped(event)


def _below(prefix: str, uri: str) -> list[str] | None:
    """The components after the prefix, or None if it begins with another."""
    if not isinstance(uri, str) or not uri.startswith(f"{prefix}."):
        return None
    return uri[len(prefix) + 1 :].split(".")


class URIs:
    """The URIs of one bridge.

    :param prefix: what all of them begin with.
    :raises ConfigurationError: it cannot be that.
    :ivar push: the procedure that pushes.
    :ivar presence: the procedure that tells who is present.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = check_prefix(prefix)
        self.push = f"{prefix}.push"
        self.presence = f"{prefix}.presence"

    def event(self, topic: str, event: str) -> str:
        """Where an event is published."""
        return f"{self.prefix}.{escaped(topic)}.{escaped(event)}"

    def interest(self, topic: str) -> str:
        """An event's URI that nobody publishes: to subscribe to it is to want a topic.

        No server sends an event of this name, as what begins with ``phx_`` is
        Phoenix's own.
        """
        return self.event(topic, _INTEREST)

    def lock(self, topic: str) -> str:
        """The procedure that the owner of a topic registers, before it joins.

        See `topic_uri`.
        """
        return f"{self.prefix}.topic.{escaped(topic)}"

    def error(self, name: str) -> str:
        """The URI of an error."""
        return f"{self.prefix}.error.{name}"

    def wanted_topic(self, uri: str, match: str) -> str | None:
        """The Phoenix topic that a subscription names, or None where it names none.

        ``PREFIX.<topic>`` matched as a prefix names one, with or without anything after
        it; matched exactly or by wildcard it has to be the URI of an event, the event
        being free in a wildcard.
        What no event can ever be published under names none.

        :param match: ``"exact"``, ``"prefix"`` or ``"wildcard"``.
        """
        parts = _below(self.prefix, uri)
        if parts is None or len(parts) > _COMPONENTS or not parts[0]:
            return None
        if match != "prefix" and len(parts) != _COMPONENTS:
            return None
        if match == "exact" and not parts[1]:
            return None
        try:
            return unescaped(parts[0])
        except ConfigurationError:
            return None
