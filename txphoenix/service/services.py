"""What ``twistd txphoenix`` adds to the client: its log, and its exit.

These change what belongs to the whole process, so they are services: it is changed
when they start, and put back when they stop.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads
from twisted.logger import Logger, LogLevel

from .. import telemetry
from ..channels.channel import Channel
from ..errors import ConfigurationError
from ..legible import legible
from ..runtime.package_log import package_log
from ..runtime.remover import Remover

__all__ = ["CleanExit", "LogFilter", "LoggedChannel"]

log = Logger("txphoenix.tap_services", observer=package_log)

# The most characters of a payload in a line.
_SHOWN_CHARACTERS = 800


class LoggedChannel(Channel):
    """The channel of topics that have no class: it logs what comes.

    Each message is one event of the level info, with the fields ``topic``, ``event``
    and ``payload``; its text shows the beginning of a long payload.
    """

    def handle_join(self, response: Any) -> None:
        """Log that the topic is joined."""
        log.info("{topic}: joined", topic=self.topic, response=response)

    def handle_in(self, event: str, payload: Any) -> None:
        """Log the message."""
        log.info(
            "{topic}: {event} {shown}",
            topic=self.topic,
            event=event,
            payload=payload,
            shown=legible(payload, _SHOWN_CHARACTERS),
        )

    def handle_close(self, reason: object) -> None:
        """Log that the topic is left."""
        log.info("{topic}: closed: {reason}", topic=self.topic, reason=reason)


class LogFilter(Service):
    """Lets through what txphoenix logs from some level on.

    With debug, an event of telemetry is a line as well.

    :param level: the name of the least level, such as ``"info"``.
    """

    name = "log"

    def __init__(self, level: str) -> None:
        self._level = LogLevel.levelWithName(level)
        self._stop_dropping: Remover | None = None
        self._has_attached = False

    def startService(self) -> None:
        """Begin to drop what is below the level."""
        super().startService()
        self._stop_dropping = package_log.drop_below(self._level)
        if self._level is LogLevel.debug:
            self._attach()

    def stopService(self) -> None:
        """Take the filter away."""
        super().stopService()
        if self._stop_dropping is not None:
            self._stop_dropping()
        if self._has_attached:
            telemetry.detach_debug_handler()
            self._has_attached = False

    def _attach(self) -> None:
        try:
            telemetry.attach_debug_handler()
        except ConfigurationError:
            # Another client's filter has attached it, for all clients.
            return
        self._has_attached = True


class CleanExit(Service):
    """Has SIGTERM end the process with status 0.

    twistd closes all services in good order at SIGTERM, but then it sends the signal
    to itself once more, so that whoever started it sees a killed process.
    """

    name = "exit"

    def startService(self) -> None:
        """Take SIGTERM over as soon as the reactor, which takes it too, runs."""
        super().startService()
        # Importing it installs it, which twistd has done by now.
        from twisted.internet import reactor

        cast(IReactorCore, reactor).callWhenRunning(self._take_signal)

    def _take_signal(self) -> None:
        if self.running:
            signal.signal(signal.SIGTERM, _stop_reactor)


def _stop_reactor(_number: int, _frame: FrameType | None) -> None:
    from twisted.internet import reactor

    # A signal may come between any two instructions; the reactor stops in its turn.
    cast(IReactorFromThreads, reactor).callFromThread(cast(IReactorCore, reactor).stop)
