"""What ``twistd txphoenix`` is told, and the client's options that it comes to.

The command line, a file, or another plugin gives options under the same names.
Those of the command line go before those of the file, name by name.
A parameter, a header or the token is a value, or is in a file or in an environment
variable::

    param       param_file       param_env
    header      header_file      header_env
    token       token_file       token_env

A file of this kind is read anew before each attempt to connect, so that what is in it
may change; and so are those of TLS, ``ca_file``, ``cert``, ``key`` and
``key_password_file``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from twisted.logger import LogLevel
from twisted.python.reflect import ModuleNotFound, ObjectNotFound, namedAny

from ..channels.channel import Channel
from ..errors import ConfigurationError
from ..options.channel_kinds import ChannelFactory
from ..options.fields import text_type
from ..options.options import OPTIONS, Options
from ..options.spelling import did_you_mean
from ..protocol.redact import redact_variable, redact_word
from ..runtime.regular_files import check_regular, expanded
from ..transports.client_tls import url_tls
from ..transports.tls_files import FileNames

__all__ = [
    "DEFAULTS",
    "OWN",
    "PLAIN",
    "TABLES",
    "Settings",
    "client_options",
    "log_level",
    "metrics_endpoint",
]

# What else is there is asked for in other forms, or cannot be said in a text; and a
# service that waits for somebody to call connect() would wait for ever.
PLAIN = tuple(
    name
    for name, field in OPTIONS.items()
    if text_type(field) is not None and name != "auto_connect"
)
"""The options that are the client's, under the same names."""

OWN = (
    "config",
    "log_level",
    "metrics",
    "token",
    "token_file",
    "token_env",
    "ca_file",
    "cert",
    "key",
    "key_password_file",
)
"""The other options that have one value."""

TABLES = (
    "param",
    "param_file",
    "param_env",
    "header",
    "header_file",
    "header_env",
    "join",
    "channel",
)
"""The options that map names to values; a file may write them in the plural."""

Settings = dict[str, Any]
"""Options by their names, as somebody gives them."""

DEFAULTS: Settings = {"name": "txphoenix"}
"""What is not as with a client, if nothing is given."""

_TLS_FILES = FileNames("ca_file", "cert", "key", "key_password_file")

_NAMES = frozenset({*PLAIN, *OWN, *TABLES})
_PLURALS = {"params": "param", "headers": "header", "channels": "channel"}
_LEVELS = [level.name for level in LogLevel.iterconstants()]


def client_options(given: Mapping[str, Any]) -> Settings:
    """The arguments of :class:`txphoenix.SocketClient`, checked.

    :param given: the options, with ``_`` or ``-`` in their names; those that are None
        are not given.
    :raises ConfigurationError: an option is unknown, or not what it must be.
    """
    layers = _layers(given)
    merged = _merged(layers)
    if "url" not in merged:
        raise ConfigurationError("url must be given, such as wss://example.org/socket")
    options = {
        **DEFAULTS,
        **{name: merged[name] for name in PLAIN if name in merged},
        "params": _supplied(layers, "param"),
        "headers": _supplied(layers, "header"),
        "auth_token": _token(layers),
        "join_channels": merged["join"],
        "topic_channel_map": {
            topic: _channel_class(named) for topic, named in merged["channel"].items()
        },
    }
    Options.check(**options)
    # It takes the host of a URL that is one.
    paths = (merged.get(name) for name in _TLS_FILES)
    tls = url_tls(options["url"], _TLS_FILES, *paths)
    return options if tls is None else {**options, "tls": tls}


def log_level(given: Mapping[str, Any]) -> str | None:
    """The name of the least log level that is wanted, or None if none is given.

    :raises ConfigurationError: there is no such level.
    """
    name: str | None = _merged(_layers(given)).get("log_level")
    if name is not None and name not in _LEVELS:
        raise ConfigurationError(
            f"log_level must be one of {', '.join(_LEVELS)}, not "
            f"{redact_word(name)!r:.100}"
        )
    return name


def metrics_endpoint(given: Mapping[str, Any]) -> str | None:
    """Where metrics are to be served, or None if that is not wanted.

    :raises ConfigurationError: that is no place, or what makes metrics is not
        installed.
    """
    where = _merged(_layers(given)).get("metrics")
    if where is None:
        return None
    try:
        # It is only there with the extra "metrics".
        from ..metrics.where import endpoint_description
    except ImportError as error:
        raise ConfigurationError(f"metrics: {error}") from None
    return endpoint_description(where)


# -- Layers: who gave what ----------------------------------------------------------


def _layers(given: Mapping[str, Any]) -> list[Settings]:
    """What the file gives, if there is one, and what was given beside it."""
    layer = _layer(given, Path.cwd(), "")
    path = layer.pop("config", None)
    return [layer] if path is None else [_read_config(path), layer]


def _read_config(path: Path) -> Settings:
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise _unreadable("config", path, error) from None
    except ValueError as error:
        # Not TOML, or not UTF-8.
        raise ConfigurationError(f"config: {path}: {error}") from None
    if "config" in given:
        raise ConfigurationError(f"{path}: config must not be in a file itself")
    return _layer(given, path.parent, f"{path}: ")


def _layer(given: Mapping[str, Any], base: Path, where: str) -> Settings:
    """The options under their own names, with absolute paths.

    :param base: where relative paths begin.
    :param where: names the source in an error.
    """
    layer: Settings = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        name = _PLURALS.get(name, name)
        if name not in _NAMES:
            hint = did_you_mean(name, _NAMES)
            raise ConfigurationError(f"{where}there is no option {key!r}{hint}")
        if value is not None:
            try:
                layer[name] = _checked(name, value, base)
            except ConfigurationError as error:
                raise ConfigurationError(f"{where}{error}") from None
    return layer


def _checked(name: str, value: Any, base: Path) -> Any:
    """The value of one option, as far as it is not the client that checks it."""
    if name == "join" and isinstance(value, list | tuple):
        value = dict.fromkeys(value)
    if name in TABLES:
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a table, not {_kind(value)}")
        if name.endswith(("_file", "_env")):
            return {key: _text(name, item, base) for key, item in value.items()}
        return value
    # A port may be a number.
    is_text = name in OWN and name != "metrics"
    return _text(name, value, base) if is_text else value


def _text(name: str, value: Any, base: Path) -> str | Path:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a str, not {_kind(value)}")
    if name in ("config", "cert", "key") or name.endswith("_file"):
        try:
            return expanded(value, base)
        except ValueError as error:
            raise ConfigurationError(f"{name} {error}") from None
    return value


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def _merged(layers: Iterable[Settings]) -> Settings:
    merged: Settings = {"join": {}, "channel": {}}
    for layer in layers:
        for name, value in layer.items():
            merged[name] = (
                {**merged.get(name, {}), **value} if name in TABLES else value
            )
    return merged


# -- Secrets, and where they are ----------------------------------------------------


class _Source(NamedTuple):
    option: str
    """The option that tells it, such as ``param_file``."""

    value: Any

    def get(self) -> Any:
        """The value itself.

        :raises ConfigurationError: the file or the variable is not there, or empty.
        """
        if self.option.endswith("_file"):
            return _read_value(self.option, self.value)
        if self.option.endswith("_env"):
            value = os.environ.get(self.value, "").strip()
            if not value:
                raise ConfigurationError(
                    f"{self.option}: the environment variable "
                    f"{redact_variable(self.value)!r} is not set, or empty"
                )
            return value
        return self.value


def _read_value(option: str, path: Path) -> str:
    try:
        check_regular(path)
        value = path.read_text("utf-8-sig").strip()
    except OSError as error:
        raise _unreadable(option, path, error) from None
    except ValueError:
        raise ConfigurationError(f"{option}: {path} is not UTF-8") from None
    if not value:
        raise ConfigurationError(f"{option}: {path} is empty")
    return value


def _unreadable(option: str, path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{option}: cannot read {path}: {error.strerror}")


def _sources(layers: Iterable[Settings], stem: str) -> dict[str, _Source]:
    """Where the value of each name is, the later layers before the earlier.

    :param stem: ``"param"`` or ``"header"``.
    """
    sources: dict[str, _Source] = {}
    for layer in layers:
        found: dict[str, _Source] = {}
        for option in (stem, f"{stem}_file", f"{stem}_env"):
            for name, value in layer.get(option, {}).items():
                if name in found:
                    raise ConfigurationError(
                        f"{option}: {name!r} is given as {found[name].option} already"
                    )
                found[name] = _Source(option, value)
        sources.update(found)
    return sources


def _supplied(
    layers: Iterable[Settings], stem: str
) -> Settings | Callable[[], Settings]:
    """The params or the headers; a function if some of them are in files."""
    sources = _sources(layers, stem)
    # All are asked for once now, so that what is missing is said at once.
    values = {name: source.get() for name, source in sources.items()}
    files = {
        name: source
        for name, source in sources.items()
        if source.option.endswith("_file")
    }
    if not files:
        return values
    return lambda: {**values, **{name: file.get() for name, file in files.items()}}


def _token(layers: Iterable[Settings]) -> Any:
    """The token; a function if it is in a file."""
    as_tables: list[Settings] = [
        {
            option: {"auth_token": layer[option]}
            for option in ("token", "token_file", "token_env")
            if option in layer
        }
        for layer in layers
    ]
    supplied = _supplied(as_tables, "token")
    if callable(supplied):
        return partial(_only, supplied)
    return supplied.get("auth_token")


def _only(supplied: Callable[[], Settings]) -> Any:
    return supplied()["auth_token"]


# -- Channel classes ----------------------------------------------------------------


def _channel_class(named: Any) -> ChannelFactory[Channel]:
    """What a dotted name stands for: a class of channels, or what makes one."""
    found = named
    if isinstance(named, str):
        came = redact_word(named)
        try:
            found = namedAny(named)
        except (ModuleNotFound, ObjectNotFound) as error:
            module = came.partition(".")[0]
            raise ConfigurationError(
                f"channel: {came} cannot be imported: Python finds no module"
                f" {module!r}; if it is in this folder, set PYTHONPATH=."
            ) from error
        except Exception as error:
            # The import runs somebody's code, which may raise anything; that a name is
            # none quotes it.
            said = str(error).replace(repr(named), repr(came))
            lines = said.splitlines() or [type(error).__name__]
            raise ConfigurationError(
                f"channel: {came} cannot be imported: {lines[0]}"
            ) from error
    is_class = isinstance(found, type)
    if not (issubclass(found, Channel) if is_class else callable(found)):
        raise ConfigurationError(
            f"channel: {named!r:.100} is not a subclass of txphoenix.Channel, nor a"
            " function that makes a channel"
        )
    return cast("ChannelFactory[Channel]", found)
