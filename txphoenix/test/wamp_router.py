"""A WAMP router in memory, to which sessions of Autobahn attach.

It is for tests of what runs beside other sessions in a realm::

    router = WampRouter()
    session = MySession(ComponentConfig(realm="realm1"))
    connection = router.attach(session)
    router.pump()  # until nothing is under way

What is sent waits in a queue of each connection, on its way in and on its way out,
serialized as on a wire.
`pump` empties all of them; who plays a race takes single steps with `step`.
What Crossbar does after the turn of the reactor in which it has answered, the events
of the meta API, is a queue as well.

It does as Crossbar 26.10.1 with one realm and anonymous sessions that may do all;
`txphoenix.test.test_wamp_router` holds what was seen of it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, MutableSequence
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp import message, role
from autobahn.wamp.exception import ProtocolError, TransportLost
from autobahn.wamp.interfaces import IMessage, ITransport
from autobahn.wamp.serializer import JsonSerializer
from autobahn.wamp.types import TransportDetails
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from txphoenix.test.wamp_broker import Broker
from txphoenix.test.wamp_dealer import Dealer

Queue = deque[Callable[[], None]]

#: What is answered, by an error if need be.
Request = (
    message.Subscribe
    | message.Unsubscribe
    | message.Register
    | message.Unregister
    | message.Call
)


class WampRouter:
    """A realm: its sessions, its broker and its dealer.

    ``clock`` is for the timeouts of calls, and ``seed`` for the IDs of sessions.
    """

    def __init__(self, clock: IReactorTime | None = None, seed: int = 0) -> None:
        self.clock = Clock() if clock is None else clock
        self.connections: list[Connection] = []
        """All that were ever attached."""
        self.sessions: dict[int, Connection] = {}
        """Those who have joined, by the ID of the session."""
        self.faults: list[Exception] = []
        """What sessions have raised at a message: of a correct one, nothing."""
        self._random = random.Random(seed)
        self._later: Queue = deque()
        self.broker = Broker(self)
        self.dealer = Dealer(self)

    def attach(self, session: ApplicationSession) -> Connection:
        """Connect a session, which then joins."""
        connection = Connection(self, session)
        self.connections.append(connection)
        session.onOpen(connection)
        return connection

    def connection_of(self, session: ApplicationSession) -> Connection:
        """The connection that a session was attached by."""
        return next(it for it in self.connections if it.session is session)

    def queues(self) -> list[Queue]:
        """The queues that hold something, of which `step` takes one."""
        every = [self._later]
        for connection in self.connections:
            every += [connection.incoming, connection.outgoing]
        return [queue for queue in every if queue]

    def step(self, choose: Callable[[list[Queue]], Queue] | None = None) -> bool:
        """Do the first thing in one queue; whether there was one.

        ``choose`` picks the queue, which is the first one without it.
        """
        queues = self.queues()
        if queues:
            (queues[0] if choose is None else choose(queues)).popleft()()
        return bool(queues)

    def pump(self, at_most: int = 1_000_000) -> None:
        """Do all that there is to do, until nothing is under way."""
        for _ in range(at_most):
            if not self.step():
                return
        raise AssertionError(f"not quiet after {at_most} steps")

    def stop(self) -> None:
        """End: each connection is lost, and what was under way with it."""
        for connection in list(self.connections):
            connection.lose()

    def later(self, tell: Callable[[], None]) -> None:
        """Do something after this turn of the reactor."""
        self._later.append(tell)

    def new_id(self) -> int:
        """An ID as WAMP has them."""
        return self._random.randrange(1, 2**53)

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put in an order that nobody may rely on, as Crossbar's sets do."""
        self._random.shuffle(items)

    def joined(self, connection: Connection) -> None:
        """A session has joined."""
        self.sessions[connection.session_number] = connection
        self.broker.tell("wamp.session.on_join", connection.details())

    def said_goodbye(self, connection: Connection) -> None:
        """A session has left by itself: first that is told, and then what it had."""
        number = self._detach(connection)
        self.broker.tell("wamp.session.on_leave", number)

    def vanished(self, connection: Connection) -> None:
        """A session's connection is gone: so that is told while it still has all."""
        if connection.session_id is not None:
            self.broker.tell("wamp.session.on_leave", connection.session_id)
            self._detach(connection)

    def _detach(self, connection: Connection) -> int:
        number = connection.session_number
        self.broker.detach(connection)
        self.dealer.detach(connection)
        del self.sessions[number]
        connection.session_id = None
        return number


class Connection(ITransport):
    """A session's connection to the router: the transport that the session has."""

    def __init__(self, router: WampRouter, session: ApplicationSession) -> None:
        self._router = router
        self.session = session
        self._serializer = JsonSerializer()
        self.incoming: Queue = deque()
        self.outgoing: Queue = deque()
        self.session_id: int | None = None
        self.session_number = 0
        """The ID of the session, which stays when it has gone."""
        self.is_killed = False
        self._is_open = True
        self.is_closed: Deferred[Any] = Deferred()

    # What a session does with its transport.

    def send(self, message: IMessage) -> None:
        """Put a message on its way to the router."""
        if not self._is_open:
            raise TransportLost()
        if not self.is_killed:
            received = self._over_the_wire(message)
            self.incoming.append(lambda: self._receive(received))

    def isOpen(self) -> bool:
        """Whether it can send."""
        return self._is_open

    @property
    def transport_details(self) -> TransportDetails:
        """Details that say nothing."""
        return TransportDetails()

    def close(self) -> None:
        """Close in order: what was sent still arrives."""
        if self._is_open and not self.is_killed:
            self.incoming.append(self._closed)

    def abort(self) -> None:
        """Close at once."""
        self.lose()

    # What befalls it.

    def lose(self) -> None:
        """Lose the connection, which both sides see."""
        if self._is_open and not self.is_killed:
            self._closed()

    def kill(self, *, is_seen: bool = True) -> None:
        """End the session's process, as SIGKILL does: it hears and says nothing more.

        The router sees it at once; without ``is_seen``, not before `vanish`.
        """
        self.is_killed = True
        self.incoming.clear()
        self.outgoing.clear()
        if is_seen:
            self.vanish()

    def vanish(self) -> None:
        """Have the router see that a killed session is gone."""
        self._router.vanished(self)

    # The router's side.

    def details(self) -> dict[str, object]:
        """What the meta API tells of the session."""
        return {
            "session": self.session_number,
            "authid": "anonymous",
            "authrole": "anonymous",
            "authmethod": "anonymous",
            "authprovider": "static",
            "authextra": None,
            "transport": None,
        }

    def deliver(self, message: message.Message) -> None:
        """Put a message on its way to the session."""
        if self._is_open and not self.is_killed:
            received = self._over_the_wire(message)
            self.outgoing.append(lambda: self._to_session(received))

    def refuse(self, request: Request, error: str, *args: object) -> None:
        """Answer a request by an error."""
        self.deliver(
            message.Error(
                request.MESSAGE_TYPE, request.request, error, args=list(args) or None
            )
        )

    def _over_the_wire(self, sent: Any) -> IMessage:
        payload, is_binary = self._serializer.serialize(sent)
        sent.uncache()
        return self._serializer.unserialize(payload, is_binary)[0]

    def _to_session(self, received: IMessage) -> None:
        try:
            self.session.onMessage(received)
        except ProtocolError as error:
            # A WebSocket transport of Autobahn closes the connection then.
            self._router.faults.append(error)
            self.lose()

    def _closed(self) -> None:
        self._is_open = False
        self.incoming.clear()
        self.outgoing.clear()
        self._router.vanished(self)
        self.session.onClose(True)
        if not self.is_closed.called:
            self.is_closed.callback(None)

    def _receive(self, received: IMessage) -> None:
        if isinstance(received, message.Hello):
            self.session_id = self.session_number = self._router.new_id()
            self.deliver(_welcome(self.session_number, received.realm))
            self._router.joined(self)
        elif self.session_id is None:
            return
        elif isinstance(received, message.Goodbye):
            self.deliver(message.Goodbye())
            self._router.said_goodbye(self)
        else:
            self._process(received)

    def _process(self, received: IMessage) -> None:
        broker, dealer = self._router.broker, self._router.dealer
        if isinstance(received, message.Yield | message.Error):
            dealer.answer(received)
            return
        answers: dict[type, Callable[[Any, Any], None]] = {
            message.Publish: broker.publish,
            message.Subscribe: broker.subscribe,
            message.Unsubscribe: broker.unsubscribe,
            message.Register: dealer.register,
            message.Unregister: dealer.unregister,
            message.Call: dealer.call,
            message.Cancel: dealer.cancel,
        }
        answers[type(received)](self, received)


def _welcome(number: int, realm: str) -> message.Welcome:
    roles = {
        "broker": role.RoleBrokerFeatures(
            pattern_based_subscription=True,
            publisher_exclusion=True,
            session_meta_api=True,
            subscription_meta_api=True,
        ),
        "dealer": role.RoleDealerFeatures(
            call_canceling=True,
            call_timeout=True,
            progressive_call_results=True,
            registration_meta_api=True,
            session_meta_api=True,
            shared_registration=True,
        ),
    }
    return message.Welcome(
        number,
        roles,
        realm=realm,
        authid="anonymous",
        authrole="anonymous",
        authmethod="anonymous",
    )
