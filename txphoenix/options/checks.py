"""The checks of options: what each may be, and what is said where it is not.

A check takes an option's name and a value, and returns the value to keep, normalised,
or raises :exc:`~txphoenix.errors.ConfigurationError`.
The error names the option, what was expected and what came: the type always, the value
only where it is a number or a word that cannot be a secret.
Those of what a request holds are in :mod:`txphoenix.options.request_checks`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from inspect import iscoroutinefunction, signature
from typing import Any, TypeAlias, cast

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import CertificateOptions

from ..errors import ConfigurationError
from ..legible import legible
from ..protocol.cookie_jar import bounded_jar
from ..protocol.event_names import PHOENIX_TOPIC
from ..protocol.redact import redact_word
from ..protocol.serializer import has_functions, is_whole
from ..protocol.url import parse_proxy
from .channel_kinds import AnyChannel, is_made_as_usual

LEAST_MESSAGE_SIZE = 100
"""What the answer to a heartbeat needs (bytes), in any version of the protocol, with
refs of ten digits.
"""

# No answer comes sooner than that (seconds), and nothing is to be done more often.
_SHORTEST_WAIT = 0.001

Check: TypeAlias = Callable[[str, Any], Any]
"""Takes an option's name and value; returns the value to keep, or raises."""

_NO_TOPICS = ("", PHOENIX_TOPIC)
# Compiled when they are first needed: few options are of the kind.
_SURROGATE = r"[\ud800-\udfff]"
_ENDPOINT = r"(?s)[A-Za-z][\w.-]*:.+"
# A proxy's URL, for instance, with a password that would be shown as a part of it.
_NO_ENDPOINT = r"(?i)(?:https?|wss?|socks\w*)://"


def wrong(name: str, expected: str, value: object) -> ConfigurationError:
    """What was expected, and the type of what came, but no value: it may be secret."""
    kind = "None" if value is None else f"a value of type {type(value).__name__}"
    return ConfigurationError(f"{name} must be {expected}, not {kind}")


def _must(
    expected: str,
    accepts: Callable[[Any], bool],
    convert: Callable[[Any], Any] | None = None,
) -> Check:
    """A check by one test, and what to make of a value that passes it."""

    def check(name: str, value: Any) -> Any:
        if accepts(value):
            return value if convert is None else convert(value)
        if isinstance(value, bool | int | float | str):
            raise ConfigurationError(
                f"{name} must be {expected}, not {legible(redact_word(value), 100)}"
            )
        raise wrong(name, expected, value)

    return check


def or_callable(check: Callable[[object], Any]) -> Check:
    """A check that lets callables pass: what they return is checked when asked."""
    return lambda name, value: value if callable(value) else check(value)


def _is_number(value: object) -> bool:
    # A bool is an int to Python, and a mistake here.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    # Neither NaN nor infinity passes, nor an int that is too large for a float.
    return _is_number(value) and 0 < value <= sys.float_info.max


def _is_count(value: Any, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_description(value: str) -> bool:
    """Whether it may describe a client endpoint.

    Of most kinds only an attempt can tell, on its reactor.
    """
    if re.fullmatch(_ENDPOINT, value) is None or re.match(_NO_ENDPOINT, value):
        return False
    if value.lower().startswith(("tcp:", "unix:")):
        try:
            # These two ask nothing of the reactor before they connect.
            clientFromString(cast(Any, None), value)
        except (TypeError, ValueError):
            return False
    return True


flag = _must("True or False", lambda value: isinstance(value, bool))
seconds = _must("a positive, finite number of seconds", _is_seconds, float)
count = _must("a whole number, 0 or more", lambda value: _is_count(value, 0))
network_seconds = _must(
    "a finite number of seconds, at least 0.001 (no network answers sooner)",
    lambda value: _is_seconds(value) and value >= _SHORTEST_WAIT,
    float,
)
size = _must("a whole number, 1 or more", lambda value: _is_count(value, 1))
message_size = _must(
    f"a whole number of bytes, {LEAST_MESSAGE_SIZE} or more (the protocol's own "
    "messages have as many)",
    lambda value: _is_count(value, LEAST_MESSAGE_SIZE),
)
function = _must("a callable or None", lambda value: value is None or callable(value))
service_name = _must(
    "a str that is not empty or None", lambda value: value is None or _is_text(value)
)
transport = _must(
    "'websocket', 'longpoll' or a callable that makes a connector",
    lambda value: value in ("websocket", "longpoll") or callable(value),
)
# Which there are, the registry knows, and a serializer of the user's.
vsn = _must(
    "a str that is not empty, such as '2.0.0'",
    lambda value: _is_text(value) and re.search(_SURROGATE, value) is None,
    str.__str__,
)
channel_params = _must(
    "a mapping, a callable that returns one, or None",
    lambda value: value is None or isinstance(value, Mapping) or callable(value),
    lambda value: dict(value) if isinstance(value, Mapping) else value,
)
optional_seconds = _must(
    "a positive, finite number of seconds or None",
    lambda value: value is None or _is_seconds(value),
    lambda value: None if value is None else float(value),
)
optional_delay = _must(
    "a finite number of seconds, 0 or more, or None",
    lambda value: value is None or value == 0 or _is_seconds(value),
    lambda value: None if value is None else float(value),
)
endpoint = _must(
    "an IStreamClientEndpoint, a client endpoint description such as "
    "'tcp:host=localhost:port=4000', a callable that returns an endpoint, or None",
    lambda value: (
        value is None
        or callable(value)
        or (isinstance(value, str) and _is_description(value))
        or IStreamClientEndpoint.providedBy(value)
    ),
)
# A subclass of str, such as an Enum, may have another hash, or be shown as another text
# than the one that is sent.
_topic_text = _must("a str that is not empty", _is_text, str.__str__)
_topic_text_or_beginning = _must(
    "a topic, or the beginning of topics followed by '*', such as 'rooms:*'",
    lambda value: _is_text(value) and "*" not in value[:-1],
    str.__str__,
)
# CertificateOptions makes client connections since Twisted 26, but checks no name of a
# host, and by default no certificate either.
tls = _must(
    "what twisted.internet.ssl.optionsForClientTLS returns, or None (another context "
    "factory would not check the host's name)",
    lambda value: (
        value is None
        or (
            IOpenSSLClientConnectionCreator.providedBy(value)
            and not isinstance(value, CertificateOptions)
        )
    ),
)


def serializer(name: str, value: Any) -> Any:
    """A JSON codec, a whole serializer, or None."""
    is_codec = has_functions(value, "loads", "dumps")
    if value is None or (is_codec and not is_whole(value)):
        return value
    if is_codec:
        raise wrong(
            name, "a JSON codec (loads, dumps) or a whole serializer, not both", value
        )
    if not has_functions(value, "encode", "decode"):
        raise wrong(
            name,
            "a JSON codec (an object with the functions loads and dumps), a whole "
            "serializer (with encode, decode and its vsn), or None",
            value,
        )
    if isinstance(value, type):
        raise ConfigurationError(
            f"{name} must be an instance of {value.__name__}, not the class"
        )
    if not hasattr(value, "vsn"):
        raise wrong(
            name, "a whole serializer with its vsn, a str such as '3.0.0'", value
        )
    vsn(f"vsn of {name}", value.vsn)
    return value


def proxy(name: str, value: object) -> str | None:
    """The URL of an HTTP proxy, ``"environment"``, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong(name, "the URL of an HTTP proxy, 'environment' or None", value)
    if value == "environment":
        return value
    if "://" not in value:
        # It may be anything, a secret too.
        raise ConfigurationError(
            f"{name} must begin with http:// or https://, such as"
            " 'http://proxy.example.org:3128', or be 'environment' or None"
        )
    parse_proxy(value)
    return value


def cookie_jar(name: str, value: object) -> CookieJar | None:
    """A jar for cookies, or None; ``True`` is a new one."""
    if isinstance(value, CookieJar):
        return value
    if value is None or isinstance(value, bool):
        return bounded_jar() if value else None
    raise wrong(name, "True, False, None or an http.cookiejar.CookieJar", value)


def topic(name: str, value: object) -> str:
    """The topic of a channel.

    One of more than 255 bytes passes: it is too long for binary messages alone.

    :return: the text, a plain ``str``.
    :raises ConfigurationError: if it is no text, or could not be joined.
    """
    if type(value) is str and value.isascii() and value not in _NO_TOPICS:
        # As most are, without a call: a gateway makes thousands of channels.
        return value
    return _possible_topic(name, _topic_text(name, value))


def _possible_topic(name: str, value: str) -> str:
    """A text that could be a topic of the server's, or the beginning of some.

    :raises ConfigurationError: if it is Phoenix's own, or cannot be sent as UTF-8.
    """
    if value == PHOENIX_TOPIC:
        raise ConfigurationError(
            f"{name} must not be {PHOENIX_TOPIC!r}: the heartbeats of the connection"
            " have that topic, and a channel would take their answers"
        )
    if re.search(_SURROGATE, value):
        raise ConfigurationError(
            f"{name} must be text that UTF-8 can hold, and {value!r:.100} has a lone"
            " surrogate"
        )
    return value


def topic_pattern(name: str, value: object) -> str:
    """A topic, or the beginning of topics followed by ``*``.

    :return: the text, a plain ``str``.
    :raises ConfigurationError: if it is neither, or Phoenix's own.
    """
    return _possible_topic(name, _topic_text_or_beginning(name, value))


def channel_class(name: str, value: object) -> Callable[..., AnyChannel]:
    """A class of channels, or a callable that makes one.

    :raises ConfigurationError: if it is neither, or cannot take topic, params and
        manager, where that can be seen.
    """
    expected = "a subclass of txphoenix.Channel"
    if isinstance(value, type):
        if not issubclass(value, AnyChannel):
            found = f"{value.__module__}.{value.__qualname__}"
            raise ConfigurationError(f"{name} must be {expected}, which {found} is not")
        if is_made_as_usual(value):
            # A look at a signature takes as long as to make a dozen channels.
            return value
    elif iscoroutinefunction(value):
        raise ConfigurationError(
            f"{name} must return a channel at once, which an async def does not: what"
            " takes time belongs into the init() of the channel"
        )
    elif not callable(value):
        kind = "None" if value is None else f"a value of type {type(value).__name__}"
        raise ConfigurationError(
            f"{name} must be {expected}, not {kind} (a callable of topic, params and"
            " manager that returns a channel will do as well)"
        )
    try:
        # What a decorator wraps may take more than the decorator itself.
        called = signature(value, follow_wrapped=False)
    except (TypeError, ValueError):
        # Not all that is written in C can be looked at.
        return cast("Callable[..., AnyChannel]", value)
    try:
        called.bind("topic", {}, None)
    except TypeError as error:
        raise ConfigurationError(
            f"{name} must take topic, params and manager: {error}"
        ) from error
    return cast("Callable[..., AnyChannel]", value)


def optional_channel_class(
    name: str, value: object
) -> Callable[..., AnyChannel] | None:
    """What makes channels, or None."""
    return None if value is None else channel_class(name, value)


def topic_channel_map(name: str, value: object) -> dict[str, Callable[..., AnyChannel]]:
    """A copy of a mapping of topics, or beginnings of them, to what makes channels."""
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping of topics to channel classes", value)
    classes: dict[str, Callable[..., AnyChannel]] = {}
    key = f"a key of {name}"
    for given, named_class in value.items():
        pattern = topic_pattern(key, given)
        classes[pattern] = channel_class(f"{name}[{pattern!r}]", named_class)
    return classes


def join_channels(name: str, value: object) -> dict[str, Any]:
    """Topics, or topics with parameters, as a mapping of topics to parameters."""
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = [(given, None) for given in value]
    else:
        raise wrong(name, "a sequence of topics or a mapping of topic to params", value)
    channels: dict[str, Any] = {}
    for given, params in items:
        named = topic(f"a topic of {name}", given)
        if named in channels:
            raise ConfigurationError(f"{name}: the topic {named!r} comes twice")
        channels[named] = channel_params(f"{name}[{named!r}]", params)
    return channels
