"""The bridge as a WAMP session: from the join of the realm to its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import CloseDetails, ComponentConfig, SessionDetails
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txphoenix.errors import ConfigurationError
from txphoenix.runtime.package_log import package_log
from txphoenix.runtime.waiters import wait_for

from .bridge import Bridge
from .config import Settings, check_extra
from .uris import URIs

__all__ = ["CONFIGURATION_ERROR", "BridgeSession"]

bridge_log = Logger("txphoenix.wamp", observer=package_log)

CONFIGURATION_ERROR = "txphoenix.error.configuration"
"""The reason with which a session leaves whose ``extra`` is not what it must be."""


class BridgeSession(ApplicationSession):
    """Bridges a Phoenix socket and the realm that this session joins.

    For the ``config.json`` of a Crossbar node, as a component of the class
    ``txphoenix.wamp.BridgeSession``; a node with an ``extra`` that is not what it must
    be says so and does not start it.
    Elsewhere such a session logs one line, and leaves with the reason
    :data:`CONFIGURATION_ERROR`.

    When the session ends, by whatever way, all of its Phoenix sockets are closed, and
    calls that are under way end.

    :param config: its ``extra`` has ``url`` and what else there is, see
        :class:`txphoenix.wamp.Settings`.
    :param reactor: by default the global one.
    """

    def __init__(
        self, config: ComponentConfig | None = None, reactor: Any = None
    ) -> None:
        super().__init__(config)
        self._reactor = reactor
        self._uris = URIs("phx")
        self._bridge: Bridge | None = None
        # Calls that could not be answered: each ends when there is no transport any
        # more, as Autobahn then drops its answer, and fails to send it before.
        self._unanswered: list[Deferred[None]] = []
        # Why it has left by itself, but for the reason that it was given.
        self._fault: tuple[str, str] | None = None
        self._leaving: Deferred[None] | None = None
        self._stopped: Deferred[None] = succeed(None)

    @staticmethod
    def check_config(_personality: Any, extra: Any) -> None:
        """Check ``extra``; Crossbar calls this before it starts the component.

        :raises ConfigurationError: it is not what it must be.
        """
        check_extra(extra)

    # -- What Autobahn calls ------------------------------------------------------

    async def onJoin(self, details: SessionDetails) -> None:
        """Start: read the settings, and become a member of the fleet."""
        try:
            settings = check_extra(self.config.extra)
            self._uris = uris = URIs(settings.prefix)
            await self._check_realm(uris, details.realm)
        except ConfigurationError as error:
            await self._fail(CONFIGURATION_ERROR, error)
            return
        if not self._is_over:
            await self._start(settings, uris, details)

    def onLeave(self, details: CloseDetails) -> Any:
        """Stop: the session has ended, by whatever way.

        Whoever listens is told at once, and of the disconnection once the Phoenix
        sockets are closed.
        """
        self._stop(f"the session has ended: {details.reason}")
        if self._fault is None:
            return super().onLeave(details)
        # A router answers every goodbye by a normal one.
        details.reason, details.message = self._fault
        return super().onLeave(CloseDetails(CloseDetails.REASON_DEFAULT))

    async def onDisconnect(self) -> None:
        """End what waits for that: the connection to the router is gone."""
        super().onDisconnect()
        unanswered, self._unanswered = self._unanswered, []
        for call in unanswered:
            call.callback(None)
        await self._stopped

    def leave(self, reason: str | None = None, message: str | None = None) -> Any:
        """Leave the realm, after the topics were left, so that others can have them.

        The Phoenix sockets are closed by then.

        :return: a Deferred that fires when that is done and the realm was told.
        """
        if self._leaving is None:
            self._leaving = Deferred.fromCoroutine(self._leave(reason, message))
        return wait_for(self._leaving)

    def register(
        self,
        endpoint: Callable[..., Any],
        procedure: str | None = None,
        options: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Register a procedure whose errors are those of the bridge.

        After the session has ended it answers nobody, as Autobahn could not send it.
        """
        return super().register(
            self._answering(endpoint), procedure, options, *args, **kwargs
        )

    def onUserError(self, fail: Failure, msg: str) -> None:
        """Tell the log of an error, but not of those that are answers to callers."""
        if isinstance(fail.value, ApplicationError):
            bridge_log.debug("{error}", error=fail.value.error_message())
        else:
            super().onUserError(fail, msg)

    # -- Inside -------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        return not self.is_attached()

    async def _check_realm(self, uris: URIs, realm: str | None) -> None:
        """See that the realm takes the URIs of topics such as ``rooms:lobby``."""
        try:
            # There is no such procedure, and a realm with loose URIs says that.
            await self.call(uris.error("rooms:lobby"))
        except ApplicationError as error:
            if error.error == ApplicationError.INVALID_URI:
                raise ConfigurationError(
                    f"the realm {realm!r} is strict about URIs: give it"
                    ' "uri_check": "loose", the default, as topics such as'
                    " 'rooms:lobby' are parts of URIs here"
                ) from None
        except TransportLost:
            # The session has ended, which is told otherwise.
            return

    async def _start(
        self, settings: Settings, uris: URIs, details: SessionDetails
    ) -> None:
        self._bridge = bridge = Bridge(self, uris, settings, self._clock())
        try:
            await bridge.start()
        except Exception as error:
            await self._fail(uris.error("internal"), error)
            return
        bridge_log.info(
            "bridge of {prefix} in realm {realm}, session {session}",
            prefix=uris.prefix,
            realm=details.realm,
            session=details.session,
        )

    async def _fail(self, reason: str, error: Exception) -> None:
        """Leave since the bridge cannot start, and wait until that is done.

        So nobody takes the session for one that is ready.
        """
        if self._is_over:
            return
        bridge_log.error("the bridge does not start: {reason}", reason=error)
        self._fault = reason, str(error)
        super().leave(*self._fault)
        await self._nobody()

    async def _leave(self, reason: str | None, message: str | None) -> None:
        if self._bridge is not None and not self._is_over:
            await self._bridge.hand_over()
        if self.is_attached():
            super().leave(reason, message)

    def _stop(self, why: str) -> None:
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            self._stopped = Deferred.fromCoroutine(bridge.stop(why))

    def _clock(self) -> IReactorTime:
        if self._reactor is None:
            # Importing it installs it, which is for the node to do.
            from twisted.internet import reactor

            self._reactor = reactor
        return cast(IReactorTime, self._reactor)

    def _answering(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(endpoint)

        async def answer(*args: Any, **kwargs: Any) -> Any:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise ApplicationError(
                    self._uris.error("invalid_argument"), str(error)
                ) from None
            try:
                return await maybeDeferred(endpoint, *args, **kwargs)
            except BaseException as error:
                if not self._is_over:
                    raise self._told(error) from error
            return await self._nobody()

        return answer

    def _nobody(self) -> Deferred[None]:
        if self._transport is None:
            return succeed(None)
        gone: Deferred[None] = Deferred()
        self._unanswered.append(gone)
        return gone

    def _told(self, error: BaseException) -> BaseException:
        if isinstance(error, ApplicationError):
            return error
        if isinstance(error, CancelledError):
            return ApplicationError(
                ApplicationError.CANCELED, "the caller has cancelled it"
            )
        bridge_log.failure("a call of the bridge raised")
        return ApplicationError(self._uris.error("internal"), "the bridge failed")
