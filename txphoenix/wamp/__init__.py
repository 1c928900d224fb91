"""A bridge between a Phoenix socket and a WAMP realm, such as Crossbar routes one.

What Phoenix sends is published in the realm, by subscribing there a Phoenix topic is
joined, and procedures push to it; any number of processes divide the topics among them.

- :class:`BridgeSession` is a component for a node's ``config.json``.
- :func:`bridge_component` is one of Autobahn's, for a program.
- :func:`event_uri` and :func:`split_uri` are the way from a topic and an event to the
  URI where it is published, and back.
- :func:`topic_uri` is the URI by which the one bridge is called that has a topic.

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
reply, and ``PREFIX.presence(topic)`` who is present; their errors are listed in
:mod:`txphoenix.wamp.call_errors`.
Whichever bridge is called hands it to the one that has the topic.
``PREFIX.topic.<topic>`` is that one, called directly: with ``"push"``, event, payload
and timeout, or with ``"presence"`` alone.
Its errors are the same, and WAMP's ``wamp.error.no_such_procedure`` where no bridge has
the topic; then nothing was done, and ``PREFIX.push`` has it joined.

What a bridge is told, ``extra``, is a dict:

=======================  ===========================================================
``url``                  The URL of the Phoenix socket; it must be given.
``params``, ``headers``  What connecting sends, as the client's options.
``token``                The token, as the client's ``auth_token``.
``token_file``           A file with the token, read anew at each connect.
``param_file``           Maps names of params to such files, and ``header_file``
                         those of headers.
                         A relative path begins at the node's folder.
``topics``               Topics that are joined whoever subscribes: a list, or a
                         dict with the params of each one's join.
``channel_params``       What the joins of all topics send.
``prefix``               What all URIs begin with; by default ``"phx"``.
``channels_per_socket``  How many topics a Phoenix socket has at most; by default
                         100, as with a server.
``max_payload``          The largest payload in either direction: bytes of its JSON,
                         or of itself if it is binary; by default 1 MiB.
``timeout``              Seconds for a call that does not say, a join and a leave; by
                         default 5.
``idle``                 Seconds for which a topic is kept that was pushed to, and a
                         socket without topics; by default 30.
``name``                 What the clients are called, with a number.
``client``               A dict of further options of
                         :class:`txphoenix.SocketClient`.
=======================  ===========================================================

It needs Autobahn alone, which the library needs anyway.
"""

from __future__ import annotations

from .component import bridge_component
from .config import Settings
from .session import CONFIGURATION_ERROR, BridgeSession
from .uris import event_uri, split_uri, topic_uri

__all__ = [
    "CONFIGURATION_ERROR",
    "BridgeSession",
    "Settings",
    "bridge_component",
    "event_uri",
    "split_uri",
    "topic_uri",
]
