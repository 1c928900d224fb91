"""The broker of the WAMP router in memory: subscriptions and publications.

It does as Crossbar 26.10.1's, whose ``router/broker.py`` is the rule here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError

from txphoenix.test.wamp_observations import Observation, Observations
from txphoenix.test.wamp_peer import Peer
from txphoenix.test.wamp_realm import Realm


class Broker:
    """Who has subscribed to what, and who hears what is published."""

    def __init__(self, router: Realm) -> None:
        self._router = router
        self.subscriptions = Observations(router.new_id)

    def subscribe(self, session: Peer, request: message.Subscribe) -> None:
        """Answer a SUBSCRIBE, and tell of it afterwards."""
        match = request.match or "exact"
        one = self.subscriptions.find(request.topic, match)
        is_first = one is None
        if one is None:
            one = self.subscriptions.create(request.topic, match)
        is_new = session not in one.observers
        if is_new:
            one.observers.append(session)
        session.deliver(message.Subscribed(request.request, one.id))
        if one.uri.startswith("wamp.") or not is_new:
            return
        found = one

        def tell() -> None:
            number = session.session_id
            if is_first:
                self._tell("on_create", number, found.details())
            self._tell("on_subscribe", number, found.id)

        self._router.later(tell)

    def unsubscribe(self, session: Peer, request: message.Unsubscribe) -> None:
        """Answer an UNSUBSCRIBE, and tell of it afterwards."""
        one = self.subscriptions.get(request.subscription)
        if one is None or session not in one.observers:
            session.refuse(request, ApplicationError.NO_SUCH_SUBSCRIPTION)
            return
        self._drop(session, one)
        session.deliver(message.Unsubscribed(request.request))

    def _drop(self, session: Peer, one: Observation) -> None:
        is_deleted = self.subscriptions.drop(session, one)
        if one.uri.startswith("wamp."):
            return

        def tell() -> None:
            self._tell("on_unsubscribe", session.session_id, one.id)
            if is_deleted:
                self._tell("on_delete", session.session_id, one.id)

        self._router.later(tell)

    def detach(self, session: Peer) -> None:
        """Forget a session that is gone.

        What is told of it later is told without its ID, since Crossbar has forgotten
        that by then.
        Whether a subscription is deleted is told of all of them as it is of the last
        one: Crossbar's functions share that variable.
        """
        is_deleted = False
        dropped = self.subscriptions.of(session)
        self._router.shuffle(dropped)
        for one in dropped:
            is_deleted = self.subscriptions.drop(session, one)

        def tell(one: Observation) -> None:
            self._tell("on_unsubscribe", session.session_id, one.id)
            if is_deleted:
                self._tell("on_delete", session.session_id, one.id)

        for one in dropped:
            if not one.uri.startswith("wamp."):
                self._router.later(partial(tell, one))

    def publish(self, session: Peer, request: message.Publish) -> None:
        """Hand a PUBLISH to those who have subscribed to it."""
        number = self._router.new_id()
        if request.acknowledge:
            session.deliver(message.Published(request.request, number))
        publisher = None if request.exclude_me is False else session
        self._dispatch(number, request.topic, request.args, request.kwargs, publisher)

    def tell(self, topic: str, *args: object) -> None:
        """Publish for the router itself."""
        self._dispatch(self._router.new_id(), topic, list(args), None, None)

    def _tell(self, event: str, *args: object) -> None:
        self.tell(f"wamp.subscription.{event}", *args)

    def _dispatch(
        self,
        number: int,
        topic: str,
        args: list[Any] | None,
        kwargs: dict[str, Any] | None,
        excluded: Peer | None,
    ) -> None:
        for one in self.subscriptions.matching(topic):
            for receiver in list(one.observers):
                if receiver is not excluded:
                    receiver.deliver(
                        message.Event(
                            one.id,
                            number,
                            args=args,
                            kwargs=kwargs,
                            topic=None if one.match == "exact" else topic,
                        )
                    )
