"""One topic of a project: changes of its database, broadcasts, and who is present."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from txphoenix.channel import Channel
from txphoenix.errors import (
    ConfigurationError,
    PhoenixError,
    SerializerError,
)
from txphoenix.interfaces import Remover
from txphoenix.message import Message
from txphoenix.presence import Presence
from txphoenix.runtime.hooks import Hooks
from txphoenix.runtime.package_log import package_log

from .changes import POSTGRES_CHANGES, Bindings, PostgresChange, checked_binding
from .config import ChannelConfig
from .errors import MalformedMessage, SubscribeError, SystemMessageError
from .frames import BROADCAST, EncodedBroadcast
from .messages import Broadcast, SystemMessage, check_event
from .own_presence import OwnPresence, shown, shown_to
from .project import Project

__all__ = ["RealtimeChannel"]

log = Logger("txphoenix.supabase", observer=package_log)

_BINARY = (bytes, bytearray, memoryview)


class RealtimeChannel(Channel):
    """One topic of a Supabase project; made by :meth:`.RealtimeClient.channel`.

    It is a :class:`txphoenix.Channel`, with what Supabase has besides.
    What no hook takes goes to :meth:`receive` and ``async for``, as a
    :class:`txphoenix.Message` whose payload is a :class:`PostgresChange`, a
    :class:`Broadcast` or a :class:`SystemMessage`.
    A channel that the server has closed joins again, with its token asked for anew.

    :ivar config: what it is joined with.
    """

    restart: ClassVar[str] = "permanent"
    """It joins again even where the server has closed it; see the base."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        read_here = cls.decoders.keys() & {POSTGRES_CHANGES, BROADCAST, "system"}
        if read_here:
            raise ConfigurationError(
                f"decoders of {cls.__qualname__} cannot have {', '.join(read_here)},"
                " whose payloads are typed already: decode in the hook"
            )

    def __init__(
        self,
        topic: str,
        params: Any,
        manager: Any,
        *,
        project: Project,
        config: ChannelConfig | None = None,
    ) -> None:
        super().__init__(topic, self._join_params, manager)
        self.config = ChannelConfig() if config is None else config
        self._project = project
        self._bindings = Bindings()
        self._fault: SubscribeError | None = None
        self._broadcasts: dict[str, Hooks] = {}
        self._systems = Hooks()
        self._errors = Hooks()
        # It takes what is told of presences, which is not for receive() then.
        self._presence = Presence(self)
        self._has_presence_hooks = False
        self._own_presence = OwnPresence(self)

    @property
    def name_of_topic(self) -> str:
        """The topic as it was given, without ``realtime:``."""
        return self.topic.partition(":")[2]

    # -- Subscribing ----------------------------------------------------------------

    def subscribe(self, timeout: float | None = None) -> Deferred[Any]:
        """Join, with the filters of :meth:`on_postgres_changes`.

        From then on the channel joins again by itself, as any
        :class:`txphoenix.Channel`.

        :param timeout: seconds; by default the client's ``timeout``, or more where the
            reply waits for the database.
        :return: a Deferred of the server's response.
            It fails as :meth:`txphoenix.Channel.join` does, and with
            :exc:`SubscribeError` where the reply does not fit the filters; the channel
            has left its topic then, and the connection stays.
        """
        if timeout is None:
            timeout = self.config.join_timeout(self._project.timeout())
        self._fault = None
        if self.state == "closed":
            self._bindings.drop_idle()
        return self.join(timeout).addBoth(self._check_subscription)

    def unsubscribe(self, timeout: float | None = None) -> Deferred[None]:
        """Leave the topic: see :meth:`txphoenix.Channel.leave`."""
        self._own_presence.forget()
        return self.leave(timeout)

    async def _join_params(self) -> dict[str, Any]:
        token = await self._project.token.ask()
        changes = [binding.asked() for binding in self._bindings.all]
        made = {"config": self.config.asked(changes, self._has_presence_hooks)}
        return made if token is None else {**made, "access_token": token}

    def _check_subscription(self, response: Any) -> Any:
        # The channel has left already, which alone would not say why.
        if self._fault is not None:
            raise self._fault
        return response

    def handle_join(self, response: Any) -> None:
        """Take the ids of the filters, and be present again."""
        fault = self._bindings.answered(response)
        if fault is not None:
            self._fault = SubscribeError(response, self.topic, fault)
            log.warn("{topic}: left: {fault}", topic=self.topic, fault=fault)
            self._tell_error(self._fault)
            self.leave()
            return
        self._own_presence.track_again(self._tell_error)

    # -- Changes of the database ----------------------------------------------------

    def on_postgres_changes(
        self,
        event: str = "*",
        schema: str = "public",
        table: str | None = None,
        filter: str | None = None,
        function: Callable[[PostgresChange], Any] | None = None,
        *,
        select: Sequence[str] | None = None,
    ) -> Remover:
        """Ask for changes of the database; before :meth:`subscribe`.

        :param event: ``"INSERT"``, ``"UPDATE"``, ``"DELETE"``, or ``"*"`` for all.
        :param schema: the schema; ``"*"`` for all.
        :param table: the table; None for all of the schema.
        :param filter: such as ``"id=gt.100"``, in the server's words.
        :param function: called with each :class:`PostgresChange`.
            Without it, they go to :meth:`receive`.
        :param select: the columns that are wanted; None for all.
        :return: a function that removes it; the filter goes as well, unless it is
            subscribed.
        :raises ConfigurationError: one of them is not what it must be, or the channel
            has subscribed without that filter.
        """
        wanted = checked_binding(event, schema, table, filter, select)
        if function is not None and not callable(function):
            raise ConfigurationError("the function must be callable")
        return self._bindings.add(wanted, function, lambda: self.state == "closed")

    # -- Broadcasts -----------------------------------------------------------------

    def on_broadcast(self, event: str, function: Callable[[Broadcast], Any]) -> Remover:
        """Add a hook for what others broadcast.

        :param event: the sender's event; ``"*"`` for all.
        :param function: called with the :class:`Broadcast`.
        :return: a function that removes it.
        """
        check_event(event)
        return self._broadcasts.setdefault(event, Hooks()).add(function)

    def send_broadcast(
        self,
        event: str,
        payload: Any = None,
        timeout: float | None = None,
        *,
        persist: bool | int = False,
    ) -> Deferred[Any]:
        """Broadcast to all others of the topic.

        Where the channel is not joined it goes by HTTP, as Supabase's own clients do
        it.

        :param payload: any JSON value, ``{}`` if not given; or bytes, which need
            version 2.0.0.
        :param timeout: seconds; by default the client's ``timeout``.
        :param persist: whether a private channel stores it, for ``config.replay`` of
            others: True, or for how many seconds.
        :return: a Deferred that fires with the server's response where ``config.ack``
            is set, and else with None once it is on its way.
            It fails as :meth:`txphoenix.Channel.push` does, and as :meth:`send_http`.
        """
        payload = {} if payload is None else payload
        try:
            check_event(event)
            if not self.is_joined:
                return self._send_before_join(event, payload, timeout, persist)
            made = self._encoded(event, payload, self.config.stored(persist))
            if self.config.ack:
                return self.push(BROADCAST, made, timeout)
            self.push_async(BROADCAST, made)
        except Exception:
            return fail()
        return succeed(None)

    def send_http(
        self,
        event: str,
        payload: Any = None,
        timeout: float | None = None,
        *,
        persist: bool | int = False,
    ) -> Deferred[None]:
        """Broadcast to all of the topic by HTTP, whether it is joined or not.

        :param payload: any JSON value, ``{}`` if not given; or bytes.
        :param timeout: seconds; by default the client's ``timeout``.
        :param persist: as for :meth:`send_broadcast`.
        :return: a Deferred of None.
            It fails with :exc:`SendError`, whose ``status`` is the server's;
            :exc:`SendTimeout`; :exc:`SerializerError`; or with
            :exc:`~twisted.internet.defer.CancelledError` where the client is stopped.
        """
        try:
            check_event(event)
            stored = self.config.stored(persist)
        except ConfigurationError:
            return fail()
        return self._project.http.send(
            self.name_of_topic,
            event,
            {} if payload is None else payload,
            self.config.private,
            self._project.timeout() if timeout is None else timeout,
            stored,
        )

    def _send_before_join(
        self, event: str, payload: Any, timeout: float | None, persist: bool | int
    ) -> Deferred[None]:
        # The other way has been there before version 2.97 of the server, and takes no
        # more than this.
        if persist is not False or not isinstance(payload, dict):
            return self.send_http(event, payload, timeout, persist=persist)
        return self._project.http.send_as_message(
            self.name_of_topic,
            event,
            payload,
            self.config.private,
            self._project.timeout() if timeout is None else timeout,
        )

    def _encoded(self, event: str, payload: Any, stored: Mapping[str, Any]) -> Any:
        if self._project.json is not None:
            return EncodedBroadcast.of(event, payload, stored, self._project.json)
        if stored or isinstance(payload, _BINARY):
            raise SerializerError(
                "version 1.0.0 has no binary broadcasts, and none that are stored: use "
                "2.0.0 or send_http()"
            )
        return {"type": BROADCAST, "event": event, "payload": payload}

    # -- Presences ------------------------------------------------------------------

    @property
    def presence_state(self) -> dict[str, list[dict[str, Any]]]:
        """Who is present: key -> what each of it has tracked, and its presence_ref."""
        state = self._presence.state
        return {key: shown(entry) for key, entry in state.items()}

    def on_presence_sync(self, function: Callable[[], Any]) -> Remover:
        """Add a hook, called when :attr:`presence_state` is complete or has changed."""
        return self._presence_for_hook().on_sync(function)

    def on_presence_join(self, function: Callable[[str, Any, Any], Any]) -> Remover:
        """Add a hook for those who come.

        :param function: called with the key, and what was there and what is new, each a
            list as in :attr:`presence_state`.
        """
        return self._presence_for_hook().on_join(shown_to(function))

    def on_presence_leave(self, function: Callable[[str, Any, Any], Any]) -> Remover:
        """Add a hook for those who go.

        :param function: called with the key, and what is left and what has gone, each a
            list as in :attr:`presence_state`.
        """
        return self._presence_for_hook().on_leave(shown_to(function))

    def track(
        self, payload: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Deferred[None]:
        """Be present, now and after each rejoin, until :meth:`untrack`.

        :param payload: what others see.
        :return: a Deferred of None that fires when the server has taken it; it fails as
            :meth:`txphoenix.Channel.push` does.
        """
        return self._own_presence.track(dict(payload or {}), timeout)

    def untrack(self, timeout: float | None = None) -> Deferred[None]:
        """Be present no more.

        :return: a Deferred of None; it fails as :meth:`txphoenix.Channel.push` does.
        """
        return self._own_presence.untrack(timeout)

    def _presence_for_hook(self) -> Presence:
        self._has_presence_hooks = True
        return self._presence

    # -- What the server says -------------------------------------------------------

    def on_system(self, function: Callable[[SystemMessage], Any]) -> Remover:
        """Add a hook for each :class:`SystemMessage`, errors or not."""
        return self._systems.add(function)

    def on_error(self, function: Callable[[BaseException], Any]) -> Remover:
        """Add a hook for what goes wrong: see :meth:`txphoenix.Channel.on_error`.

        It is called with :exc:`SystemMessageError`, :exc:`MalformedMessage` and
        :exc:`SubscribeError` as well.
        """
        removers = (super().on_error(function), self._errors.add(function))

        def remove() -> None:
            for each in removers:
                each()

        return remove

    def handle_message(self, message: Message) -> Any:
        """Take a message that no hook of :meth:`on` takes."""
        readers: dict[str, Callable[[Any], Any]] = {
            POSTGRES_CHANGES: partial(self._bindings.tell, self.topic),
            BROADCAST: self._take_broadcast,
            "system": self._take_system,
        }
        read = readers.get(message.event)
        if read is None:
            return super().handle_message(message)
        try:
            value = read(message.payload)
        except ValueError as error:
            fault = MalformedMessage(self.topic, message.event, str(error))
            self._tell_error(fault)
            return None
        if value is None:
            return None
        return super().handle_message(message._replace(payload=value))

    def push_token(self, token: str) -> None:
        """Tell the server of a new token, if the channel is joined."""
        if not self.is_joined:
            return
        try:
            self.push_async("access_token", {"access_token": token})
        except PhoenixError as error:
            self._tell_error(error)

    def _take_broadcast(self, payload: Any) -> Broadcast | None:
        broadcast = Broadcast.read(payload)
        named = (self._broadcasts.get(it) for it in (broadcast.event, "*"))
        hooks = [it for it in named if it]
        for each in hooks:
            each.call(broadcast, called=(BROADCAST, self.topic))
        return None if hooks else broadcast

    def _take_system(self, payload: Any) -> SystemMessage | None:
        said = SystemMessage.read(payload)
        if said.status == "error":
            error = SystemMessageError(self.topic, said.message, said.extension)
            self._tell_error(error)
        self._systems.call(said, called=("system", self.topic))
        return None if self._systems else said

    def _tell_error(self, error: BaseException) -> None:
        self._errors.call(error, called=("on_error", self.topic))
