"""The client of one project's Realtime."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, Unpack, cast
from urllib.parse import urlsplit, urlunsplit

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IAgent

from txphoenix import https_agent
from txphoenix.client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.interfaces import Remover
from txphoenix.option_types import ClientOptions
from txphoenix.runtime.hooks import Hooks, ask
from txphoenix.runtime.package_log import package_log
from txphoenix.serializer import V1Serializer
from txphoenix.supplied import Supplied

from .channel import RealtimeChannel
from .config import ChannelConfig
from .frames import SupabaseSerializer
from .http import BroadcastSender
from .project import Project
from .tokens import AccessToken

__all__ = ["RealtimeClient"]

log = Logger("txphoenix.supabase", observer=package_log)

_PATH = "/realtime/v1"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class RealtimeClient(MultiService):
    """A client of one Supabase project, as a service.

    :param url: the project, ``"https://ref.supabase.co"``, or its Realtime,
        ``"https://ref.supabase.co/realtime/v1"``.
    :param apikey: the project's key, or a callable of it that is called for each
        connection.
    :param access_token: the token of a user; or a callable of it, a Deferred or an
        awaitable of it.
        A callable is called before each join, and before the token expires, where it
        is a JSON web token that says when; all joined channels are told then.
        None for what the key may do.
    :param reactor: by default the global one.
    :param options: those of :class:`txphoenix.SocketClient`; ``vsn`` may be
        ``"2.0.0"``, the default, or ``"1.0.0"``, and ``serializer`` a JSON codec.
        ``heartbeat_interval`` is 25 s, and ``timeout`` 10 s, if not given.
    :raises ConfigurationError: one of them is not what it must be.
    :ivar socket: the :class:`txphoenix.SocketClient` that it stands on.
    """

    socket: SocketClient

    def __init__(
        self,
        url: str,
        apikey: Supplied[str],
        access_token: Supplied[str | None] = None,
        *,
        reactor: IReactorTime | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__()
        if not callable(apikey):
            _check_key(apikey)
        if reactor is None:
            # Importing it installs it, which is for the user to do.
            from twisted.internet import reactor as global_reactor

            reactor = cast(IReactorTime, global_reactor)
        self._apikey = apikey
        self._errors = Hooks()
        ws_url, http_url = _urls(url)
        json = self._choose_serializer(options)
        self._token = AccessToken(
            reactor, access_token, self._tell_token, self._not_renewed
        )
        self._http = BroadcastSender(
            reactor, http_url, self._credentials, partial(self._agent, reactor)
        )
        self._project = Project(
            self._token, self._http, lambda: self.socket.options.timeout, json
        )
        given = cast(dict[str, Any], options)
        settings = {"heartbeat_interval": 25.0, "timeout": 10.0, **given}
        settings.setdefault("default_channel_class", self._make_channel)
        more = given.get("params")
        # A function and no partial object, whose repr would show the key.
        settings["params"] = lambda: _params(apikey, more)
        self.socket = SocketClient(ws_url, reactor=reactor, **settings)
        self.socket.setServiceParent(self)

    def __repr__(self) -> str:
        return f"<RealtimeClient of {self.socket!r}>"

    def _choose_serializer(self, options: ClientOptions) -> Any:
        vsn = options.get("vsn", "2.0.0")
        if vsn not in ("1.0.0", "2.0.0"):
            raise ConfigurationError("vsn must be '1.0.0' or '2.0.0'")
        codec: Any = options.get("serializer")
        if hasattr(codec, "encode") or hasattr(codec, "decode"):
            raise ConfigurationError(
                "serializer must be a JSON codec: whole messages are Supabase's own"
            )
        if vsn == "1.0.0":
            # That Phoenix has a later one is nothing that the user can change.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                options["serializer"] = V1Serializer(codec)
            return None
        serializer = SupabaseSerializer(codec)
        options["serializer"] = serializer
        return serializer.json

    # -- Its life -------------------------------------------------------------------

    def startService(self) -> None:
        """Start, and connect."""
        self._token.start()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Stop; once the Deferred fires, the reactor holds nothing of this client."""
        # First the socket, so that joins say why they end.
        stopping = super().stopService()
        self._http.stop()
        self._token.stop()
        return _as_none(stopping)

    # -- Channels -------------------------------------------------------------------

    def channel(
        self,
        topic: str,
        *,
        channel_class: type[RealtimeChannel] = RealtimeChannel,
        **config: Any,
    ) -> RealtimeChannel:
        """Make the channel of a topic; it is closed until ``subscribe()``.

        :param topic: with or without ``realtime:``.
        :param channel_class: a subclass of :class:`RealtimeChannel`.
        :param config: see :class:`ChannelConfig`: ``ack``, ``receive_own``,
            ``presence``, ``presence_key``, ``private``, ``replay`` and
            ``wait_for_postgres``.
        :raises ConfigurationError: one of them is not what it must be.
        """
        unknown = config.keys() - ChannelConfig.__dataclass_fields__.keys()
        if unknown:
            raise ConfigurationError(
                f"unknown config of a channel: {', '.join(sorted(unknown))}"
            )
        if not isinstance(topic, str) or not topic:
            raise ConfigurationError("a topic must be a str that is not empty")
        full = topic if topic.startswith("realtime:") else f"realtime:{topic}"
        made = partial(
            channel_class, project=self._project, config=ChannelConfig(**config)
        )
        return self.socket.channel(full, None, made)

    def _make_channel(self, topic: str, params: Any, manager: Any) -> RealtimeChannel:
        return RealtimeChannel(topic, params, manager, project=self._project)

    # -- Its token ------------------------------------------------------------------

    def set_auth(self, token: str | None = None) -> Deferred[None]:
        """Take another access token, and tell all joined channels of it.

        :param token: the token; None asks the callable for it anew.
        :return: a Deferred of None that fires when the channels have been told.
            It fails with what the callable has raised, or with
            :exc:`ConfigurationError`.
        """
        if token is None:
            return self._token.renew()
        try:
            self._token.set(token)
        except ConfigurationError:
            return fail()
        return succeed(None)

    def on_error(self, function: Any) -> Remover:
        """Add a hook for what goes wrong with the connection or with the token.

        See :meth:`txphoenix.SocketClient.on_error`; what the callable for the token
        raises at a renewal comes here as well.
        """
        removers = (self.socket.on_error(function), self._errors.add(function))

        def remove() -> None:
            for each in removers:
                each()

        return remove

    def _credentials(self) -> Deferred[tuple[str, str | None]]:
        async def asked() -> tuple[str, str | None]:
            return await _checked_key(self._apikey), await self._token.ask()

        return ensureDeferred(asked())

    def _agent(self, reactor: IReactorTime) -> IAgent:
        # Asked for at each request, since the options may have changed.
        options = self.socket.options
        return https_agent(reactor, options.tls, options.connect_timeout)

    def _tell_token(self, token: str | None) -> None:
        if token is None:
            return
        for service in list(self.socket.channels):
            if isinstance(service, RealtimeChannel):
                service.push_token(token)

    def _not_renewed(self, error: BaseException) -> None:
        log.warn(
            "{client}: the access token was not renewed: {reason}",
            client=self,
            reason=type(error).__name__,
        )
        self._errors.call(error, called=("on_error", self))


def _as_none(stopping: Any) -> Deferred[None]:
    """The end of a service, as a Deferred of None."""
    return cast(Deferred[Any], stopping).addCallback(lambda _: None)


async def _params(apikey: Any, more: Any) -> dict[str, Any]:
    """The parameters of the socket's URL."""
    made = await ask(more) if callable(more) else more
    return {**(made or {}), "apikey": await _checked_key(apikey)}


async def _checked_key(apikey: Any) -> str:
    return _check_key(await ask(apikey) if callable(apikey) else apikey)


def _check_key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise ConfigurationError("apikey must be a str that is not empty")
    return key


def _urls(url: object) -> tuple[str, str]:
    """The URLs of a project's Realtime: of its socket, and for HTTP."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        # Its text quotes what may hold a password.
        parts = None
    if parts is None or parts.scheme not in _SCHEMES or not parts.netloc:
        raise ConfigurationError(
            "url must be that of a project, such as 'https://ref.supabase.co'"
        )
    path = parts.path.rstrip("/").removesuffix("/websocket")
    if not path:
        path = _PATH
    scheme = _SCHEMES[parts.scheme]
    http = {"ws": "http", "wss": "https"}[scheme]
    return (
        urlunsplit((scheme, parts.netloc, path, "", "")),
        urlunsplit((http, parts.netloc, path, "", "")),
    )
