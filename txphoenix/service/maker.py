"""A client as a service of ``twistd``.

::

    twistd -n txphoenix --url wss://example.org/socket --join rooms:lobby

Messages of topics without a channel class are logged as structured events, with the
fields ``topic``, ``event`` and ``payload``.

Whatever can be given on the command line can be given in a TOML file
(``--config FILE``) under the same name, and to :func:`makeService` in a dict::

    service = makeService({"url": "wss://example.org/socket", "join": ["rooms:lobby"]})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from attrs import NOTHING
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from ..client.socket_client import SocketClient
from ..errors import ConfigurationError
from ..legible import cut, legible
from ..options.fields import text_type
from ..options.options import OPTIONS
from ..options.texts import TEXTS
from ..protocol.redact import redact_word
from .services import CleanExit, LogFilter, LoggedChannel
from .settings import (
    DEFAULTS,
    PLAIN,
    TABLES,
    client_options,
    log_level,
    metrics_endpoint,
)

__all__ = ["LoggedChannel", "Options", "makeService"]


def _number(text: str) -> Any:
    """A number; a text that is none is left to the option's own check."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _flag(text: str) -> bool:
    """A bool.

    :raises KeyError: it is none.
    """
    return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]


# The options that are not the client's.
_OWN = [
    ("config", "A TOML file of options; the command line goes before it."),
    ("log-level", "The least to log: debug, info, warn, error, critical (info)."),
    ("metrics", "Serve /metrics and /health at a port (of 127.0.0.1) or endpoint."),
    ("token", "The auth token. Others can read it here: see --token-file."),
    ("token-file", "A file that holds the token, read at each connect."),
    ("token-env", "An environment variable that holds the token."),
    ("ca-file", "The certificates to trust in place of the system's, in PEM."),
    ("cert", "The client's own certificate, in PEM, read at each connect."),
    ("key", "The key of --cert, in PEM, if that file has it not as well."),
    ("key-password-file", "A file whose first line is the key's password."),
]


def _flag_of(name: str, text: str) -> bool:
    """The value of an option that is yes or no.

    :raises UsageError: it is neither.
    """
    try:
        return _flag(text)
    except KeyError:
        # It may be the next option, with a secret for its value.
        came = legible(redact_word(text).partition("=")[0], 40)
        raise UsageError(
            f"--{name} takes yes or no, as in --{name} yes, not {came}"
        ) from None


def _parameter(name: str) -> list[Any]:
    """An option of the client, as Twisted wants it described.

    Its text is that of the documentation, with the default in brackets.
    """
    field = OPTIONS[name]
    flag = name.replace("_", "-")
    about = TEXTS[name].removesuffix(".")
    default = DEFAULTS.get(name, field.default)
    read: Callable[[str], Any] = str
    if text_type(field) is bool:
        read = partial(_flag_of, flag)
        about += ", yes or no"
        default = "yes" if default else "no"
    elif text_type(field) is float:
        read = _number
    if default is not None and default is not NOTHING:
        about += f" ({default:g})" if isinstance(default, float) else f" ({default})"
    return [flag, None, None, f"{about}.", read]


class Options(UsageOptions):
    """The options of ``twistd txphoenix``."""

    synopsis = "--url URL --join TOPIC [options]"
    longdesc = (
        "Connects to a Phoenix server and joins topics; their messages are logged, or "
        "given to channel classes of yours. --join, --channel and the options for "
        "parameters and headers may be repeated, and are tables in a file."
    )
    optParameters = [
        *([name, None, None, about, str] for name, about in _OWN),
        *map(_parameter, PLAIN),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._is_wrong = False
        for name in TABLES:
            self[name] = {}

    # The docstrings of these are what --help says of them.

    def opt_join(self, text: str) -> None:
        """A topic to join: TOPIC, or TOPIC=PARAMS with JSON params."""
        topic, equals, params = text.partition("=")
        try:
            self["join"][topic] = json.loads(params) if equals else None
        except ValueError as error:
            raise UsageError(f"join: {topic}: expected JSON: {error}") from error

    def opt_channel(self, text: str) -> None:
        """The class for a topic, or for several: 'rooms:*=my.module.Room'."""
        self._put("channel", text, "=", "TOPIC=DOTTED.NAME")

    def opt_param(self, text: str) -> None:
        """A parameter of the connection: NAME=VALUE."""
        self._put("param", text, "=", "NAME=VALUE")

    def opt_param_file(self, text: str) -> None:
        """A file that holds a parameter, read at each connect: NAME=FILE."""
        self._put("param_file", text, "=", "NAME=FILE")

    def opt_param_env(self, text: str) -> None:
        """An environment variable that holds a parameter: NAME=VARIABLE."""
        self._put("param_env", text, "=", "NAME=VARIABLE")

    def opt_header(self, text: str) -> None:
        """A header of the HTTP request: 'NAME: VALUE'."""
        self._put("header", text, ":", "'NAME: VALUE'")

    def opt_header_file(self, text: str) -> None:
        """A file that holds a header's value, read at each connect: 'NAME: FILE'."""
        self._put("header_file", text, ":", "'NAME: FILE'")

    def opt_header_env(self, text: str) -> None:
        """An environment variable that holds a header's value: 'NAME: VARIABLE'."""
        self._put("header_env", text, ":", "'NAME: VARIABLE'")

    def _put(self, option: str, text: str, separator: str, expected: str) -> None:
        name, found, value = text.partition(separator)
        if not (found and name.strip()):
            # What came is not shown, as it may be a secret.
            raise UsageError(f"{option}: expected {expected}")
        self[option][name.strip()] = value.strip()

    def parseArgs(self, *args: str) -> None:
        """Refuse what is no option."""
        for name, value in self.items():
            if not isinstance(value, str) or not value.startswith("--"):
                continue
            if args or self._is_option(value):
                # It has taken the next option for its value.
                follows = cut(value.partition("=")[0])
                raise UsageError(f"--{name} needs a value, and {follows} follows it")
        if args:
            # A URL, for instance, with a password in it.
            came = redact_word(args[0])
            raise UsageError(f"{came!r} is no option; a topic is --join {came}")

    def _is_option(self, text: str) -> bool:
        """Whether it is an option of ours and its value."""
        name = text.removeprefix("--").partition("=")[0]
        return f"{name}=" in self.longOpt

    def parseOptions(self, options: Iterable[str] | None = None) -> None:
        """Parse a command line, and check it.

        :raises UsageError: an option is wrong; the error says in one line what.
        """
        try:
            super().parseOptions(options)
        except UsageError:
            self._is_wrong = True
            raise

    def postOptions(self) -> None:
        """Check all options together."""
        try:
            client_options(self)
            log_level(self)
            metrics_endpoint(self)
        except ConfigurationError as error:
            raise UsageError(str(error)) from error

    def getUsage(self, width: int | None = None) -> str:
        """The list of options."""
        if self._is_wrong:
            # twistd shows this and then the error, which a whole page would bury.
            return "Options: see --help\n"
        return super().getUsage(width)


def makeService(options: Mapping[str, Any]) -> SocketClient:
    """Make the client, which is a service.

    :param options: parsed :class:`Options`, or a mapping of the same names, with ``_``
        or ``-``; ``join`` may be a list of topics, and a topic in ``channel`` may have
        a class in place of a dotted name.
    :raises ConfigurationError: an option is unknown, or not what it must be.
    """
    client = SocketClient(
        **client_options(options), default_channel_class=LoggedChannel
    )
    level, where = log_level(options), metrics_endpoint(options)
    if isinstance(options, UsageOptions) and options.parent is not None:
        # The process is twistd's, and runs for this service alone.
        CleanExit().setServiceParent(client)
        level = level or "info"
    if level is not None:
        LogFilter(level).setServiceParent(client)
        # Services stop from the last to the first, and channels have lines as they do.
        client.services.insert(0, client.services.pop())
    if where is not None:
        from ..metrics import MetricsService

        MetricsService(where, clients=[client]).setServiceParent(client)
    return client
