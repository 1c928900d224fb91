"""What a bridge is told: ``extra`` in a node's ``config.json``, checked.

A text, since it comes from JSON, or values of Python where a program gives it.
What is wrong is said in one line that names the key, and never shows a value that may
be a secret.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from txphoenix import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.legible import legible
from txphoenix.runtime.regular_files import check_regular, expanded

from .uris import check_prefix, check_topic

__all__ = ["Settings", "check_extra"]

_T = TypeVar("_T")

# Options of the client that the bridge gives it, and what to say instead.
_OWN_OPTIONS = {
    "url": "url",
    "params": "params",
    "headers": "headers",
    "auth_token": "token",
    "name": "name",
    "timeout": "timeout",
    "join_channels": "topics",
    "default_channel_params": "channel_params",
    "max_message_size": "max_payload",
    "topic_channel_map": None,
    "default_channel_class": None,
    "auto_connect": None,
    "reconnect": None,
}
# What a message may be at least, so that one which is too large for the bridge is told
# of, and does not end the connection.
_LEAST_MESSAGE_SIZE = 16 * 1024 * 1024
# Crossbar adds the folder of its node.
_NODE_FOLDER = "cbdir"


@dataclass(frozen=True)
class Settings:
    """What a bridge does: its ``extra``, once that was checked."""

    prefix: str = "phx"
    """What all URIs begin with."""

    topics: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The topics that are joined whoever subscribes, and the params of their joins;
    None for :attr:`channel_params`."""

    channel_params: Any = field(default=None, repr=False)
    """What the join of every other topic sends."""

    channels_per_socket: int = 100
    """How many topics one Phoenix socket has; it is a server's default limit."""

    max_payload: int = 1024 * 1024
    """The largest payload, in bytes of its JSON or of itself, in both directions."""

    idle: float = 30.0
    """For how many seconds a topic is kept to which somebody has pushed, and which
    nobody has subscribed to; and a Phoenix socket that has no topic any more."""

    timeout: float = 5.0
    """Seconds for a call that does not say, a join and a leave."""

    name: str = "wamp"
    """What the clients are called in the log, with a number."""

    client: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The arguments of each Phoenix socket's client."""

    def new_client(self, number: int, reactor: IReactorTime) -> SocketClient:
        """Make the client of one more Phoenix socket."""
        return SocketClient(
            **self.client, name=f"{self.name}-{number}", reactor=reactor
        )


def check_extra(extra: object) -> Settings:
    """Check ``extra``.

    :param extra: a dict with ``url``, and any of ``params``, ``param_file``,
        ``headers``, ``header_file``, ``token``, ``token_file``, ``topics``,
        ``channel_params``, ``prefix``, ``channels_per_socket``, ``max_payload``,
        ``idle``, ``timeout``, ``name`` and ``client``, which has more options of
        :class:`txphoenix.SocketClient`.
    :raises ConfigurationError: it is not that, or one of them is not what it must be,
        or a file that it names cannot be read.
    """
    if not isinstance(extra, Mapping):
        raise ConfigurationError(f"extra must be a dict with url, not {_kind(extra)}")
    _check_names(extra)
    if "url" not in extra:
        raise ConfigurationError(
            "extra: url must be given, such as 'wss://example.org/socket'"
        )
    given = {
        name: check(name, extra[name])
        for name, check in _CHECKS.items()
        if name in extra
    }
    settings = Settings(**given)
    client = _client_arguments(extra, settings)
    try:
        # It says what is wrong with the options, and does nothing before it is started.
        SocketClient(**client, reactor=Clock())
    except (ConfigurationError, TypeError) as error:
        raise ConfigurationError(f"extra: {error}") from None
    return Settings(**given, client=client)


def _check_names(extra: Mapping[Any, Any]) -> None:
    for name in extra:
        if name not in _NAMES:
            alike = get_close_matches(str(name).lower(), sorted(_NAMES), 1, 0.7)
            hint = f"; did you mean {alike[0]!r}?" if alike else ""
            raise ConfigurationError(f"extra: there is no {name!r:.60}{hint}")


def _client_arguments(extra: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    more = extra.get("client", {})
    if not _is_table(more):
        raise ConfigurationError(
            f"extra: client must map options of SocketClient to values, not"
            f" {_kind(more)}"
        )
    for name in more:
        if name in _OWN_OPTIONS:
            instead = _OWN_OPTIONS[name]
            hint = f"; give {instead} beside it" if instead else ""
            raise ConfigurationError(
                f"extra: client must not have {name}, which is the bridge's{hint}"
            )
    # A relative path is one of the node's, where there is one.
    base = Path(extra.get(_NODE_FOLDER) or ".")
    return {
        **more,
        "url": extra["url"],
        "params": _supplied(extra, "params", "param_file", base),
        "headers": _supplied(extra, "headers", "header_file", base),
        "auth_token": _token(extra, base),
        "timeout": settings.timeout,
        "max_message_size": max(_LEAST_MESSAGE_SIZE, 2 * settings.max_payload),
        "default_channel_params": settings.channel_params,
    }


# -- What may be in files -----------------------------------------------------------


def _supplied(extra: Mapping[str, Any], plain: str, in_files: str, base: Path) -> Any:
    """Params or headers; a function where some of them are in files."""
    values = extra.get(plain)
    if callable(values) and in_files not in extra:
        return values
    values = {} if values is None else values
    files = extra.get(in_files, {})
    if not _is_table(values):
        raise ConfigurationError(
            f"extra: {plain} must map names to values, not {_kind(values)}"
        )
    if not _is_table(files) or not all(isinstance(it, str) for it in files.values()):
        raise ConfigurationError(
            f"extra: {in_files} must map names to paths of files, not {_kind(files)}"
        )
    for name in files:
        if name in values:
            raise ConfigurationError(f"extra: {name!r:.60} is in {plain} already")
    if not files:
        return dict(values)

    def read() -> dict[str, Any]:
        contents = {
            name: _content(in_files, base, path) for name, path in files.items()
        }
        return {**values, **contents}

    read()
    return read


def _token(extra: Mapping[str, Any], base: Path) -> Any:
    """The token; a function where it is in a file."""
    token, named = extra.get("token"), extra.get("token_file")
    if token is not None and named is not None:
        raise ConfigurationError("extra: give token or token_file, and not both")
    if named is None:
        if token is not None and not (isinstance(token, str) or callable(token)):
            raise ConfigurationError(f"extra: token must be a str, not {_kind(token)}")
        return token
    if not isinstance(named, str):
        raise ConfigurationError(
            f"extra: token_file must be the path of a file, not {_kind(named)}"
        )

    def read() -> str:
        return _content("token_file", base, named)

    read()
    return read


def _content(name: str, base: Path, named: str) -> str:
    try:
        path = expanded(named, base)
    except ValueError as error:
        raise ConfigurationError(f"extra: {name} {error}") from None
    try:
        check_regular(path)
        content = path.read_text("utf-8-sig").strip()
    except OSError as error:
        raise ConfigurationError(
            f"extra: {name}: cannot read {path}: {error.strerror}"
        ) from None
    except ValueError:
        raise ConfigurationError(f"extra: {name}: {path} is not UTF-8") from None
    if not content:
        raise ConfigurationError(f"extra: {name}: {path} is empty")
    return content


# -- One key ------------------------------------------------------------------------


def _check_topics(name: str, value: Any) -> dict[str, Any]:
    if _is_table(value):
        topics = dict(value)
    elif isinstance(value, list | tuple) and all(isinstance(it, str) for it in value):
        topics = dict.fromkeys(value)
    else:
        raise ConfigurationError(
            f"extra: {name} must be a list of topics, or map topics to the params of"
            f" their joins, not {_kind(value)}"
        )
    try:
        for topic in topics:
            check_topic(topic)
    except ConfigurationError as error:
        raise ConfigurationError(f"extra: {name}: {error}") from None
    return topics


def _check_count(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ConfigurationError(
            f"extra: {name} must be a whole number of at least 1, not {_number(value)}"
        )
    return value


def _seconds(least: str, is_enough: Callable[[float], bool]) -> Callable[..., float]:
    def check(name: str, value: Any) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            # Neither NaN, infinity nor what is too large for a float passes.
            or not (is_enough(value) and value <= sys.float_info.max)
        ):
            raise ConfigurationError(
                f"extra: {name} must be {least} seconds, not {_number(value)}"
            )
        return float(value)

    return check


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"extra: {name} must be a text, not {_kind(value)}")
    return value


def _check_prefix(_name: str, value: Any) -> str:
    try:
        return check_prefix(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"extra: {error}") from None


def _as_it_is(_name: str, value: _T) -> _T:
    return value


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def _number(value: object) -> str:
    # What is none may be a URL, with a password in it.
    return legible(value, 60) if isinstance(value, int | float) else _kind(value)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "prefix": _check_prefix,
    "topics": _check_topics,
    "channel_params": _as_it_is,
    "channels_per_socket": _check_count,
    "max_payload": _check_count,
    "idle": _seconds("0 or more", lambda value: value >= 0),
    "timeout": _seconds("more than 0", lambda value: value > 0),
    "name": _check_text,
}
_NAMES = {
    *_CHECKS,
    "url",
    "params",
    "param_file",
    "headers",
    "header_file",
    "token",
    "token_file",
    "client",
    _NODE_FOLDER,
}
