"""The options that the commands with a client have in common.

They become a :class:`txphoenix.SocketClient`, whose own checks then say what is wrong
with them.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO, Unpack

from twisted.internet.interfaces import IReactorTime

from ..client.socket_client import SocketClient
from ..errors import ConnectionFailed
from ..options.options import OPTIONS
from ..options.types import ClientOptions
from ..protocol.redact import redact_url, redact_variable
from ..protocol.serializer import known_versions
from ..runtime.regular_files import check_regular
from ..transports.client_tls import url_tls
from ..transports.tls_files import FileNames
from .json_text import WrongJSON, find_stray, read_json
from .output import USAGE, CommandError, Terminal

__all__ = [
    "add_client_options",
    "add_join_params",
    "connect",
    "explain",
    "json_payload",
    "json_value",
    "port_number",
    "positive_count",
    "positive_seconds",
    "running_client",
]

_TLS_FILES = FileNames("--ca-file", "--cert", "--key", "--key-password-file")


def add_client_options(parser: ArgumentParser) -> None:
    """Add the options that every client of the command line has."""
    parser.add_argument("url", metavar="URL", help="such as wss://example.org/socket")
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--param",
        action="append",
        default=[],
        type=_name_and_value,
        metavar="NAME=VALUE",
        help="a parameter of the connection; may be repeated, "
        "and nested as in user[id]=1 or ids[]=1",
    )
    group.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="'NAME: VALUE'",
        help="a header of the HTTP request; may be repeated",
    )
    token = group.add_mutually_exclusive_group()
    token.add_argument(
        "--token",
        metavar="TOKEN",
        help="the socket's auth token; others on this machine can read it, "
        "so better use one of the next two",
    )
    token.add_argument(
        "--token-file",
        metavar="FILE",
        help="a file that holds the token; read anew before each attempt to connect",
    )
    token.add_argument(
        "--token-env",
        metavar="VARIABLE",
        help="the environment variable that holds the token",
    )
    group.add_argument(
        "--ca-file",
        metavar="PEM",
        help="the certificates to trust in place of the system's",
    )
    group.add_argument(
        "--cert",
        metavar="PEM",
        help="a file with the client's own certificate, for a server that asks for "
        "one, and those that lead to its authority; read anew before each attempt",
    )
    group.add_argument(
        "--key",
        metavar="PEM",
        help="a file with the key of --cert, if that has it not as well",
    )
    group.add_argument(
        "--key-password-file",
        metavar="FILE",
        help="a file whose first line is the password of an encrypted key",
    )
    group.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="SECONDS",
        help=f"how long to wait for a connection ({_default('connect_timeout'):g} if "
        f"not given), and for each reply ({_default('timeout'):g} if not given)",
    )
    group.add_argument(
        "--exact-url",
        action="store_true",
        help="take the URL's path as it is, without /websocket at its end",
    )
    group.add_argument(
        "--vsn",
        # What a program has registered that runs us, it may name.
        choices=known_versions(),
        default=_default("vsn"),
        help="the version of the wire format; 1.0.0 is deprecated",
    )


def _default(option: str) -> Any:
    return OPTIONS[option].default


def add_join_params(parser: ArgumentParser) -> None:
    """Add the option for what a join sends."""
    parser.add_argument(
        "--join-params",
        type=json_value,
        metavar="JSON",
        help="what the join sends, {} if not given",
    )


@asynccontextmanager
async def running_client(
    reactor: IReactorTime,
    args: Namespace,
    terminal: Terminal,
    **options: Unpack[ClientOptions],
) -> AsyncIterator[SocketClient]:
    """A client as the command line describes it, started and in the end stopped.

    :param options: other options of the client.
    :raises CommandError: a file or a variable cannot be read.
    :raises ConfigurationError: an option is not what it must be.
    """
    given: ClientOptions = {
        "params": _params(args.param),
        "headers": _headers(args.header),
        "auth_token": _auth_token(args, terminal),
        "tls": _tls(args),
        "exact_url": args.exact_url,
        "vsn": args.vsn,
        **options,
    }
    if args.timeout is not None:
        given["timeout"] = given["connect_timeout"] = args.timeout
        # Whoever is in a hurry does not want to wait for a farewell either.
        given["close_timeout"] = min(args.timeout, _default("close_timeout"))
    client = SocketClient(args.url, reactor=reactor, **given)
    client.startService()
    try:
        yield client
    finally:
        await client.stopService()


async def connect(client: SocketClient, args: Namespace) -> None:
    """Wait for the connection of a client that was made from ``args``.

    :raises CommandError: there will be none.
    """
    try:
        await client.when_connected()
    except ConnectionFailed as error:
        url = redact_url(args.url)
        raise CommandError(f"cannot connect to {url}: {explain(error)}") from None


def explain(error: BaseException) -> str:
    """An error's text, to be put into a sentence: Twisted's end in a full stop."""
    return str(error).rstrip(".")


# Types of arguments: argparse tells the user what they raise.


def json_value(text: str) -> Any:
    """An argument that is JSON."""
    stray = find_stray(text)
    if stray is not None:
        raise ArgumentTypeError(stray[1])
    try:
        # Editors on Windows put a byte order mark before it.
        return read_json(text.removeprefix("\ufeff"))
    except WrongJSON as error:
        raise ArgumentTypeError(f"expected JSON: {error}") from None


def json_payload(text: str) -> Any:
    """An argument that is JSON, or ``-`` for the JSON that standard input has.

    It is read here, before the reactor runs, for that could not be interrupted while
    it waits for a person or a pipe.
    """
    if text != "-":
        return json_value(text)
    if sys.stdin is None:
        raise ArgumentTypeError("there is no standard input")
    try:
        return json_value(_text_of(sys.stdin))
    except UnicodeDecodeError as error:
        encoding, at = error.encoding.upper(), error.start + 1
        raise ArgumentTypeError(
            f"standard input is not {encoding} at byte {at}"
        ) from None
    except OSError as error:
        reason = error.strerror or error
        raise ArgumentTypeError(f"cannot read standard input: {reason}") from None


def _text_of(stdin: TextIO) -> str:
    """The text of a file, which is UTF-8, or of a person, by their terminal."""
    binary = getattr(stdin, "buffer", None)
    if binary is None or stdin.isatty():
        return stdin.read()
    text: str = binary.read().decode("utf-8")
    return text


def positive_seconds(text: str) -> float:
    """An argument that is a duration."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ArgumentTypeError(f"expected a number of seconds above 0, not {text!r}")
    return seconds


def positive_count(text: str) -> int:
    """An argument that counts something."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ArgumentTypeError(f"expected a whole number above 0, not {text!r}")
    return count


def port_number(text: str) -> int:
    """An argument that is a TCP port."""
    # More digits than int() reads are no port either.
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise ArgumentTypeError(f"expected a port from 0 to 65535, not {text!r}")
    return int(text)


def _name_and_value(text: str) -> tuple[str, str]:
    # What came is not shown, as it may be a secret.
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError("expected NAME=VALUE")
    return name, value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise ArgumentTypeError("expected 'NAME: VALUE'")
    return name.strip(), value.strip()


# What the options come to.


def _params(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The parameters of the connection.

    A nested name such as ``user[id]`` may stay as it is, for it is what the query
    holds; but names are unique here, so the values of a list are collected.
    """
    params: dict[str, Any] = {}
    for name, value in pairs:
        stem = name.removesuffix("[]")
        held = params.get(stem)
        if stem != name and isinstance(held, list):
            held.append(value)
        elif held is not None:
            raise CommandError(f"--param: {stem!r} comes twice", USAGE)
        else:
            params[stem] = value if stem == name else [value]
    return params


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        if name in headers:
            raise CommandError(f"--header: {name!r} comes twice", USAGE)
        headers[name] = value
    return headers


def _auth_token(args: Namespace, terminal: Terminal) -> str | Callable[[], str] | None:
    if args.token_env is not None:
        if args.token_env not in terminal.environ:
            raise CommandError(
                "--token-env: there is no variable "
                f"{redact_variable(args.token_env)!r}",
                USAGE,
            )
        return terminal.environ[args.token_env].strip()
    if args.token_file is not None:

        def read_token() -> str:
            return _read("--token-file", args.token_file).strip()

        # A wrong name shall be an error at once, and not one of a connection.
        read_token()
        return read_token
    token: str | None = args.token
    return token


def _tls(args: Namespace) -> Any:
    files = (args.ca_file, args.cert, args.key, args.key_password_file)
    for option, name in zip(_TLS_FILES, files, strict=True):
        # As "$CERT" may be; to Path it would be the current directory.
        if name == "":
            raise CommandError(f"{option} must be the path of a file, not ''", USAGE)
    paths = [None if name is None else Path(name) for name in files]
    return url_tls(args.url, _TLS_FILES, *paths)


def _read(option: str, name: str) -> str:
    try:
        check_regular(Path(name))
        return Path(name).read_bytes().decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        reason = error.strerror or str(error)
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 at byte {error.start + 1}"
    except ValueError:
        reason = "no file can have this name"
    raise CommandError(f"{option}: cannot read {name!r}: {reason}", USAGE)
