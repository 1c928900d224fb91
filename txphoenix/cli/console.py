"""The command ``console``: a channel's life by hand.

A line is a command; what comes is printed as it comes.
There are two kinds of it.
:mod:`.prompt` edits the line, for a person at a terminal, and needs the extra
``console``; :mod:`.console_lines` reads lines from anywhere.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from .console_lines import LineConsole, standard_io
from .options import connect, running_client
from .output import FAILED, OK, Terminal
from .progress import RetryPolicy, follow

__all__ = ["install_reactor", "run_console"]

_GREETING = "help lists the commands"
_HINT = "pip install 'txphoenix[console]' adds history, completion and a status line"

_ConnectTo = Callable[[Any], AbstractContextManager[None]]


class _Console(Protocol):
    """What both kinds have in common."""

    ended: Deferred[None]
    has_failed: bool

    def show(self, text: str, kind: str = "note") -> None: ...

    def fail(self, failure: Any) -> None: ...

    async def close(self) -> None: ...


def _has_extra() -> bool:
    return find_spec("prompt_toolkit") is not None


def _edits(terminal: Terminal) -> bool:
    """Whether the terminal is one on which a line can be edited."""
    return os.name == "posix" and terminal.is_interactive and not terminal.is_dumb


def install_reactor(terminal: Terminal) -> None:
    """Install the reactor that editing needs, before there is another.

    prompt_toolkit runs in a loop of asyncio's.
    With the reactor in the same loop, keys and messages take turns in one thread.
    """
    if not (_edits(terminal) and _has_extra()):
        return
    if "twisted.internet.reactor" in sys.modules:
        return
    from asyncio import SelectorEventLoop

    from twisted.internet import asyncioreactor

    asyncioreactor.install(SelectorEventLoop())


async def run_console(
    reactor: IReactorTime,
    args: Namespace,
    terminal: Terminal,
    connect_to: _ConnectTo | None = None,
) -> int:
    """Carry out commands until one is ``quit``, or there are no more.

    :param connect_to: connects a console of lines to the user for a while, by default
        to standard input and output.
    """
    policy = RetryPolicy()
    is_person = terminal.is_interactive
    async with running_client(
        reactor, args, terminal, should_reconnect=policy
    ) as client:
        client.on_open(policy.opened)
        console: _Console
        if connect_to is None and _edits(terminal) and _is_of_asyncio(reactor):
            from .prompt import PromptConsole, at_terminal

            console, connect_to = PromptConsole(client, terminal), at_terminal
        else:
            # Who types may mistype, wherever the output goes.
            keep_going = args.keep_going or terminal.stdin.isatty()
            console = LineConsole(client, terminal, keep_going, _greeting(terminal))
            connect_to = connect_to or standard_io
        stop_following = follow(client, console.show if is_person else terminal.tell)
        diverted = terminal.diverted(console.show) if is_person else nullcontext()
        try:
            with diverted:
                await _use(console, is_person, connect(client, args), connect_to)
        except CancelledError:
            # A person has done what they wanted, but a file has been cut short.
            if not is_person:
                raise
        finally:
            stop_following()
    return FAILED if console.has_failed else OK


def _greeting(terminal: Terminal) -> str:
    is_hint_wanted = _edits(terminal) and not _has_extra()
    return f"{_GREETING}; {_HINT}" if is_hint_wanted else _GREETING


def _is_of_asyncio(reactor: object) -> bool:
    """Whether a reactor shares its loop with asyncio."""
    module = sys.modules.get("twisted.internet.asyncioreactor")
    return module is not None and isinstance(reactor, module.AsyncioSelectorReactor)


async def _use(
    console: _Console,
    is_person: bool,
    connecting: Coroutine[Any, Any, None],
    connect_to: _ConnectTo,
) -> None:
    connected = Deferred.fromCoroutine(connecting)
    if not is_person:
        # The first command may need the connection, and nobody is there to wait.
        await connected
    # A person may wait, look around or leave; but if the server refuses us, that is it.
    connected.addErrback(console.fail)
    with connect_to(console):
        try:
            await console.ended
        finally:
            connected.cancel()
            await console.close()
