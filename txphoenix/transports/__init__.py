"""What carries frames: the WebSocket, and long-polling where none can pass.

Each transport is a :class:`txphoenix.interfaces.Transport` that tells a
:class:`txphoenix.interfaces.TransportListener` what happens to it, and knows nothing
else of who uses it; a :class:`txphoenix.interfaces.Connector` opens it.
What is public is in ``interfaces.py``.

The way of a frame over a WebSocket::

    in   a read -> websocket.py -> frames.py (plain frames), or Autobahn's parser
                                   (fragments.py) -> TransportListener.frame_received
    out  Transport.send -> frames.py -> masking.py -> frame_writer.py (one write a turn)
                        -> write_buffer.py, waiting_frames.py (a slow peer) -> socket

and over long-polling::

    in   http_connections.py -> http_answer.py (an answer), http_body.py -> http.py
                             -> longpoll.py -> frame_received
    out  Transport.send -> longpoll.py -> longpoll_outgoing.py (a batch) -> http.py

The way to an open transport, each attempt anew::

    retrying.py     begins an attempt, at once or after a delay
    choice.py       makes the connector that the options ask for:
                      connector.py            a WebSocket, over any endpoint
                      longpoll_connector.py   a session of long-polling
                      fallback.py             the one, and the other if it fails
                      own_connector.py        one of the user's, held to its time
    attempt.py      asks the options for URL, params, headers and token
    endpoints.py    TCP, TLS (tls.py), a proxy (proxy.py), or the user's endpoint
    websocket_factory.py, upgrade.py   the request of the opening handshake
    websocket.py, answer_head.py       its answer, and how the session ends
"""

from __future__ import annotations
