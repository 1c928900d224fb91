"""A bridge between a Phoenix socket and a WAMP realm, such as Crossbar routes one.

What Phoenix sends is published in the realm, by subscribing there a Phoenix topic is
joined, and procedures push to it; any number of processes divide the topics among them.

- :class:`BridgeSession` is a component for a node's ``config.json``.
- :func:`bridge_component` is one of Autobahn's, for a program.
- :func:`event_uri` and :func:`split_uri` are the way from a topic and an event to the
  URI where it is published, and back.

Subscribe to ``PREFIX.<topic>.<event>``, or to ``PREFIX.<topic>.`` as a prefix for all
events of a topic: a handler is called with the payload.
While there is such a subscription the topic is joined, and the last one that goes, by
whatever way, leaves it.
Presence is among the events, ``presence_state`` and ``presence_diff``.
Three more are the bridge's own, and no server can send them: ``phx_error`` says what
went wrong with a topic, by a dict of ``error``, one of the names in
:mod:`txphoenix.wamp.call_errors`, ``message``, and what else there is to say:
``response`` of a refused join, ``event``, ``size`` and ``limit`` of an event that was
too large to be published; ``phx_join`` says, by a dict of ``response``, that an
interrupted topic is joined again, and that events may have been missed meanwhile; and
to ``phx_interest``, of which nothing is ever published, one subscribes who wants a
topic to be joined, and no event of it.

``PREFIX.push(topic, event, payload, timeout)`` returns the response of the server's
reply, and ``PREFIX.presence(topic)`` who is present.

It needs Autobahn alone, which the library needs anyway.
"""

from __future__ import annotations

from .component import bridge_component
from .config import Settings
from .session import CONFIGURATION_ERROR, BridgeSession
from .uris import event_uri, split_uri

__all__ = [
    "CONFIGURATION_ERROR",
    "BridgeSession",
    "Settings",
    "bridge_component",
    "event_uri",
    "split_uri",
]
