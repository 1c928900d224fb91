"""The command line: ``python -m txphoenix``, or ``txphoenix`` where it is installed.

``docs/commands.rst`` describes it for users.
Results go to standard output; notes and errors go to standard error, one line each.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import IO, Any, NoReturn, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater, react
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    eventAsText,
    globalLogBeginner,
    textFileLogObserver,
)
from zope.interface import implementer

from .. import telemetry
from .._version import __version__
from ..errors import ConfigurationError, PhoenixError
from ..runtime.package_log import package_log
from .commands import run_listen, run_push, run_serve
from .console import install_reactor, run_console
from .demo import run_demo
from .interrupts import take_signals
from .note_stream import NoteStream
from .options import (
    add_client_options,
    add_join_params,
    json_payload,
    port_number,
    positive_count,
    positive_seconds,
)
from .output import (
    BROKEN_PIPE,
    FAILED,
    OK,
    USAGE,
    CommandError,
    OutputClosed,
    Terminal,
)
from .parser import Parser

__all__ = ["execute", "main", "make_parser"]

log = Logger("txphoenix.cli", observer=package_log)

_DESCRIPTION = "A client for Phoenix Channels, on the command line."

_EPILOG = """\
exit codes: 0 done, 1 failed, 2 the command line is wrong,
  141 nobody reads the output

to begin with:
  %(prog)s demo
  %(prog)s serve
"""

_LISTEN_EPILOG = """\
Each message is an object on a line of its own, with the keys topic, event,
payload, ref and join_ref.  A binary payload is in base64, as payload_base64.
What happens to the connection is told on standard error.

examples:
  %(prog)s ws://localhost:4000/socket rooms:lobby
  %(prog)s --count 1 ws://localhost:4000/socket rooms:1 rooms:2
  %(prog)s --token-env TOKEN wss://example.org/socket feed | jq .payload
"""

_PUSH_EPILOG = """\
The reply is printed if its status is ok; any other is an error.  A binary reply
is printed as an object with the key response_base64.

examples:
  %(prog)s ws://localhost:4000/socket rooms:lobby new_msg '{"body": "hi"}'
  date | jq -R . | %(prog)s ws://localhost:4000/socket echo:hall time -
  %(prog)s --no-reply ws://localhost:4000/socket rooms:lobby typing '{}'
"""

_CONSOLE_EPILOG = """\
Commands from a file or a pipe are carried out one after another, and end with
exit code 1 at the first that fails.

examples:
  %(prog)s ws://localhost:4000/socket
  > join rooms:lobby {"user_id": 7}
  > push rooms:lobby new_msg {"body": "hi"}
  > quit

  %(prog)s ws://localhost:4000/socket < commands.txt
"""


def make_parser(prog: str) -> ArgumentParser:
    """Make what reads the command line.

    :param prog: how the program was called.
    """
    parser = Parser(prog=prog, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    def command(
        name: str, run: Any, arguments: str, description: str, epilog: str = ""
    ) -> Parser:
        made: Parser = commands.add_parser(
            name,
            words=parser.words,
            usage=f"{prog} {name} [OPTION]... {arguments}".rstrip(),
            help=description[0].lower() + description[1:].rstrip("."),
            description=description,
            epilog=epilog,
        )
        made.add_argument(
            "--verbose", action="store_true", help="log what happens, to standard error"
        )
        made.set_defaults(run=run)
        return made

    demo = command("demo", run_demo, "", "Show what the client does, step by step.")
    demo.add_argument(
        "--timeout",
        type=positive_seconds,
        default=20.0,
        metavar="SECONDS",
        help="how long all of it may take, 20 if not given",
    )

    serve = command("serve", run_serve, "", "Run a demonstration server, until Ctrl-C.")
    serve.add_argument(
        "--port",
        type=port_number,
        default=4000,
        help="the port, 4000 if not given; 0 takes a free one",
    )
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on, 127.0.0.1 if not given",
    )

    listen = command(
        "listen",
        run_listen,
        "URL TOPIC...",
        "Join topics and print their messages as JSON, until Ctrl-C.",
        _LISTEN_EPILOG,
    )
    add_client_options(listen)
    listen.add_argument(
        "topic", nargs="+", metavar="TOPIC", help="such as rooms:lobby; one or more"
    )
    add_join_params(listen)
    listen.add_argument(
        "--count",
        type=positive_count,
        metavar="N",
        help="end after so many messages",
    )
    listen.add_argument(
        "--no-reconnect",
        dest="reconnect",
        action="store_false",
        help="end when the connection fails or is lost, instead of connecting again",
    )

    push = command(
        "push",
        run_push,
        "URL TOPIC EVENT JSON",
        "Join a topic, push an event, print the reply.",
        _PUSH_EPILOG,
    )
    add_client_options(push)
    push.add_argument("topic", metavar="TOPIC", help="such as rooms:lobby")
    push.add_argument("event", metavar="EVENT", help="such as new_msg")
    push.add_argument(
        "payload",
        type=json_payload,
        metavar="JSON",
        help="the payload; - reads it from standard input",
    )
    add_join_params(push)
    push.add_argument(
        "--no-reply",
        action="store_true",
        help="do not wait for a reply, for an event that has none",
    )

    console = command(
        "console",
        run_console,
        "URL",
        "Join, push and leave by hand, and see what comes.",
        _CONSOLE_EPILOG,
    )
    add_client_options(console)
    console.add_argument(
        "--keep-going",
        action="store_true",
        help="carry out the rest of a file of commands after one that has failed; "
        "the exit code is 1 all the same",
    )
    return parser


async def execute(reactor: Any, args: Namespace, terminal: Terminal) -> int:
    """Run a command.

    What can go wrong without a fault of this program is told in one line.

    :return: the exit code.
    """
    try:
        # Once the reactor runs, a signal is what it is to be: an interrupt.
        await deferLater(reactor, 0, lambda: None)
        code: int = await args.run(reactor, args, terminal)
    except OutputClosed:
        return BROKEN_PIPE
    except CancelledError:
        terminal.fail("interrupted")
        return FAILED
    except CommandError as error:
        terminal.fail(str(error))
        return error.code
    except ConfigurationError as error:
        terminal.fail(str(error))
        return USAGE
    except PhoenixError as error:
        terminal.fail(str(error))
        return FAILED
    return code


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the program, and end it with its exit code.

    :param argv: the arguments, by default those of the process.
    """
    # A stream that was closed before we began is None.
    out = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    err = NoteStream(sys.stderr or open(os.devnull, "w"))  # noqa: SIM115
    terminal = Terminal(sys.stdin or open(os.devnull), out, err)  # noqa: SIM115
    code = _code_of(partial(_run_command, argv, terminal, err), terminal)
    finished = _code_of(terminal.finish, terminal)
    sys.exit(code or finished)


def _code_of(run: Callable[[], None], terminal: Terminal) -> int:
    """The exit code for what a part of the program has come to."""
    try:
        run()
    except KeyboardInterrupt:
        # It came before the reactor ran.
        terminal.fail("interrupted")
        return FAILED
    except OutputClosed:
        return BROKEN_PIPE
    except CommandError as error:
        terminal.fail(str(error))
        return error.code
    except SystemExit as end:
        return cast(int, end.code) or OK
    return OK


def _run_command(
    argv: Sequence[str] | None, terminal: Terminal, err: NoteStream
) -> None:
    """Run the program up to its SystemExit.

    :raises SystemExit: it has ended.
    :raises OutputClosed: nobody reads the help.
    :raises CommandError: the help cannot be written.
    """
    parser = make_parser(_prog(sys.argv[0]))
    # argparse says nothing of help that it cannot write.
    with redirect_stdout(io.StringIO()) as printed:
        try:
            args = parser.parse_args(argv)
        finally:
            if printed.getvalue():
                terminal.write(printed.getvalue(), end="")
    if "run" not in args:
        parser.print_help(err)
        sys.exit(USAGE)
    if args.run is run_console:
        install_reactor(terminal)
    _begin_logging(args.verbose, terminal, err)
    react(_run, (args, terminal))


def _prog(script: str) -> str:
    name = os.path.basename(script)
    return name if name.startswith("txphoenix") else "python -m txphoenix"


def _run(reactor: Any, args: Namespace, terminal: Terminal) -> Deferred[None]:
    running = Deferred.fromCoroutine(execute(reactor, args, terminal))

    def interrupt() -> Deferred[None] | None:
        # A signal stops the reactor; it waits until the command has ended.
        if running.called:
            return None
        ended: Deferred[None] = Deferred()
        running.addBoth(lambda _: ended.callback(None))
        running.cancel()
        return ended

    reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    # The reactor takes them first.
    reactor.callWhenRunning(take_signals, reactor, terminal)
    return running.addCallback(_exit)


def _exit(code: int) -> None:
    if code != OK:
        raise SystemExit(code)


def _begin_logging(verbose: bool, terminal: Terminal, err: NoteStream) -> None:
    """Log to standard error: all, or what a user should know, and our own faults."""
    log_all = textFileLogObserver(cast(IO[Any], err))

    @implementer(ILogObserver)
    def log_some(event: LogEvent) -> None:
        level = event.get("log_level", LogLevel.info)
        if level is LogLevel.critical:
            log_all(event)
        elif level >= LogLevel.warn and _is_ours(event) and not _is_outage(event):
            text = eventAsText(event, includeTimestamp=False, includeSystem=False)
            terminal.tell(f"{level.name}: {text}")

    globalLogBeginner.beginLoggingTo(
        [log_all if verbose else log_some],
        discardBuffer=True,
        redirectStandardIO=False,
    )
    if verbose:
        telemetry.attach_debug_handler()


def _is_ours(event: LogEvent) -> bool:
    return str(event.get("log_namespace", "")).startswith("txphoenix.")


def _is_outage(event: LogEvent) -> bool:
    """Whether it tells of an outage: each command tells of its own attempts."""
    is_of_client = event.get("log_namespace") == "txphoenix.client"
    return is_of_client and "client" in event and event["log_level"] is LogLevel.warn
