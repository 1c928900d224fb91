"""Twisted's reactor on the loop of an asyncio program.

A process has one reactor, and modules keep a reference to it.
But ``asyncio.run`` makes a loop each time, so here the reactor goes from one loop to
the next: :class:`LoopReactor` is bound to a loop while somebody uses it there, and to
none between.

Twisted offers no way to move a reactor, so this class knows some names of
:class:`~twisted.internet.asyncioreactor.AsyncioSelectorReactor` that are not public;
``txphoenix/test/test_aio_lives.py`` holds them.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from threading import Thread
from typing import Any, NoReturn, cast

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.interfaces import IReactorTime
from twisted.internet.main import installReactor
from twisted.internet.posixbase import PosixReactorBase

from txphoenix import ConfigurationError

from .python_log import begin_logging

__all__ = ["LoopReactor", "install", "running_reactor"]


class NoLoop:
    """Stands for the loop of a reactor that has none.

    What is asked of it before there is a loop, or after, is kept for the next one.
    """

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def is_closed(self) -> bool:
        """Whether it is closed: as little as it is open."""
        return False

    def time(self) -> float:
        """The time, where nothing goes by it."""
        return 0.0

    def add_reader(self, _fd: int, _call: Callable[..., Any], *_args: Any) -> None:
        """Read nothing; the reactor knows what it reads."""

    add_writer = add_reader

    def remove_reader(self, _fd: int) -> None:
        """Be read nothing any more."""

    remove_writer = remove_reader

    def call_at(self, _when: float, _call: Callable[[], Any]) -> None:
        """Call nothing; the reactor knows what it has planned."""

    def call_soon_threadsafe(self, call: Callable[[], Any]) -> None:
        """Keep a call, which may be another thread's."""
        self.calls.append(call)


class LoopReactor(AsyncioSelectorReactor):
    """A reactor for asyncio's loops: for one of them at a time.

    It never runs or stops a loop, and it handles no signals.
    """

    def __init__(self) -> None:
        super().__init__(cast(AbstractEventLoop, NoLoop()))
        self.users = 0
        """How many use it on its present loop."""
        self._has_shut_down = False

    @property
    def loop(self) -> AbstractEventLoop | None:
        """The loop it is bound to."""
        loop: object = self._asyncioEventloop
        return None if isinstance(loop, NoLoop) else cast(AbstractEventLoop, loop)

    def start(self, loop: AbstractEventLoop) -> None:
        """Run on a loop.

        :raises ConfigurationError: the loop cannot watch file descriptors.
        """
        try:
            self._bind(loop)
        except NotImplementedError:
            self._bind(cast(AbstractEventLoop, NoLoop()))
            raise ConfigurationError(
                f"Twisted cannot run on a {type(loop).__name__}, which watches no file"
                " descriptors: use asyncio.run(main(),"
                " loop_factory=asyncio.SelectorEventLoop)"
            ) from None
        if self._has_shut_down:
            # A shutdown uses up what the constructor has added for it.
            self.addSystemEventTrigger("during", "shutdown", self.crash)
            self.addSystemEventTrigger("during", "shutdown", self.disconnectAll)
            self._has_shut_down = False
        # It has, if somebody has called stop(); but this one can be started again.
        self._startedBefore = False
        self.startRunning(installSignalHandlers=False)

    def shut_down(self) -> None:
        """Tell all who wait for the end, close all connections, stop the threads."""
        if self.running:
            self.fireSystemEvent("shutdown")

    def release(self) -> None:
        """Leave the loop."""
        if not self._has_shut_down:
            # Somebody keeps it from shutting down in good order.
            self.crash()
            self.disconnectAll()
        self._bind(cast(AbstractEventLoop, NoLoop()))

    def abandon(self) -> None:
        """Leave a loop that was closed meanwhile, and shut down without it."""
        self._bind(cast(AbstractEventLoop, NoLoop()))
        self.shut_down()
        self.release()

    def crash(self) -> None:
        """Run no more; the loop is not ours to stop."""
        PosixReactorBase.crash(self)
        self._has_shut_down = True

    def run(self, installSignalHandlers: bool = True) -> NoReturn:
        """Refuse: it is asyncio that runs the loop."""
        raise ConfigurationError(
            "this reactor runs while asyncio runs its loop and a client is open on it:"
            " use asyncio.run(), and not reactor.run()"
        )

    def _initThreadPool(self) -> None:
        """Make threads that no end of a program waits for.

        One that does not come to the end of its block has nobody to stop them.
        """
        super()._initThreadPool()
        pool: Any = self.threadpool
        pool.threadFactory = partial(Thread, daemon=True)

    def _bind(self, loop: AbstractEventLoop) -> None:
        """Take all that is watched, planned and called from one loop to another."""
        former = self._asyncioEventloop
        readers, writers = list(self._readers.items()), list(self._writers.items())
        if not former.is_closed():
            for _, fd in readers:
                former.remove_reader(fd)
            for _, fd in writers:
                former.remove_writer(fd)
        if self._timerHandle is not None:
            self._timerHandle.cancel()
        self._timerHandle = self._scheduledAt = None
        self._asyncioEventloop = loop
        self._readers.clear()
        self._writers.clear()
        for reader, _ in readers:
            self.addReader(reader)
        for writer, _ in writers:
            self.addWriter(writer)
        self._reschedule()
        if isinstance(former, NoLoop):
            for call in former.calls:
                loop.call_soon_threadsafe(call)


def install() -> None:
    """Install the reactor of this module, before anything imports Twisted's.

    :func:`txphoenix.aio.connect` does it where there is none.
    A program calls it, as its first, if something that it imports imports
    ``twisted.internet.reactor``.
    Calling it again does nothing.

    :raises ConfigurationError: another reactor is installed already.
    """
    reactor = _installed()
    if reactor is None:
        installReactor(LoopReactor())
    elif not isinstance(reactor, LoopReactor):
        raise _taken(reactor)


def running_reactor() -> AbstractAsyncContextManager[IReactorTime]:
    """Have Twisted's reactor run on the running loop, through an ``async with``.

    For Twisted's own functions in an asyncio program, such as those of
    :mod:`txphoenix.testing`; :func:`txphoenix.aio.connect` does it by itself.
    Where the reactor runs on this loop already, it is used as it is.
    Otherwise it is started, without signal handlers, and shut down when the last who
    uses it has left, as Twisted does at the end of a program: connections that are
    still open are lost, and its threads end.

    :raises ConfigurationError: another reactor is installed, or it runs on another
        loop.
    """
    return _Use()


class _Use(AbstractAsyncContextManager[IReactorTime]):
    """One use of the reactor.

    It is no generator: at its end, a loop closes those that are left all at once.
    """

    _loop: AbstractEventLoop | None = None

    async def __aenter__(self) -> IReactorTime:
        loop = asyncio.get_running_loop()
        if _installed() is None:
            installReactor(LoopReactor())
        reactor = _installed()
        if isinstance(reactor, LoopReactor):
            _take(reactor, loop)
            self._loop = loop
        else:
            _check_foreign(reactor, loop)
        return cast(IReactorTime, reactor)

    async def __aexit__(self, *_: object) -> None:
        reactor = _installed()
        # Unless it was taken away from a loop that was closed meanwhile.
        if self._loop is not None and reactor.loop is self._loop:
            reactor.users -= 1
            if not reactor.users:
                await _end(reactor, self._loop)


def _installed() -> Any:
    return sys.modules.get("twisted.internet.reactor")


def _take(reactor: LoopReactor, loop: AbstractEventLoop) -> None:
    """Use a reactor on a loop, on which it is started if it does not run there."""
    present = reactor.loop
    if present is not None and present.is_closed():
        # Nobody has left it in time: what was open on it is lost.
        reactor.abandon()
        present = None
    if present is None:
        reactor.start(loop)
        reactor.users = 0
        begin_logging()
    elif present is not loop:
        where = "runs in another thread" if present.is_running() else "is not closed"
        raise ConfigurationError(
            "Twisted's reactor is in use on another loop, which"
            f" {where}: a process has one reactor, so all clients of one moment have"
            " to be on one loop"
        )
    reactor.users += 1


async def _end(reactor: LoopReactor, loop: AbstractEventLoop) -> None:
    """Shut a reactor down, which nobody uses any more."""
    ended: asyncio.Future[None] = loop.create_future()
    try:
        if reactor.running:
            reactor.addSystemEventTrigger("after", "shutdown", _set, ended)
            reactor.shut_down()
            # A service that is told before may take its time.
            await ended
    finally:
        if reactor.loop is loop and not reactor.users:
            reactor.release()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _check_foreign(reactor: Any, loop: AbstractEventLoop) -> None:
    """Check that another's reactor runs on this loop."""
    if not isinstance(reactor, AsyncioSelectorReactor):
        raise _taken(reactor)
    if reactor._asyncioEventloop is not loop:
        raise ConfigurationError(
            "Twisted's asyncio reactor is installed on another loop than the one that"
            " runs: leave asyncioreactor.install() out, since txphoenix.aio sees to"
            " the reactor, or call txphoenix.aio.install() in its place"
        )
    if not reactor.running:
        raise ConfigurationError(
            "Twisted's asyncio reactor is installed on this loop, but does not run:"
            " leave asyncioreactor.install() out, since txphoenix.aio sees to the"
            " reactor, or call txphoenix.aio.install() in its place"
        )


def _taken(reactor: object) -> ConfigurationError:
    return ConfigurationError(
        f"Twisted's {type(reactor).__name__} is installed already, which does not run"
        " on asyncio's loop: something has imported twisted.internet.reactor or"
        " installed it; call txphoenix.aio.install() before that"
    )
