"""What carries frames: the WebSocket, and long-polling where none can pass.

Each transport is a :class:`txphoenix.interfaces.Transport` that tells a
:class:`txphoenix.interfaces.TransportListener` what happens to it, and knows nothing
else of who uses it; a :class:`txphoenix.interfaces.Connector` opens it.
What is public is in ``interfaces.py``.

The way of a frame over a WebSocket::

    in   a read -> fast_tls.py (wss) -> websocket.py -> frames.py:
             plain_frames.py, incomplete_frames.py, compressed_frames.py;
             or Autobahn's parser (fragments.py)
         -> TransportListener.frame_received
    out  Transport.send -> frames.py -> masking.py -> frame_writer.py (one write a turn)
         -> write_buffer.py, waiting_frames.py (a slow peer)
         -> write_at_once.py, or fast_tls.py (wss) -> socket

and over long-polling, by http.py, or by treq_session.py with ``fast_http=False``::

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
    endpoints.py    TCP (direct.py), a proxy (proxy.py) or the user's endpoint;
                    around it TLS: fast_tls_endpoint.py, verified by
                      tls.py, server_identity.py     the certificate's names
                      client_tls.py, system_trust.py whom to trust
                      tls_sessions.py                what is resumed
    websocket_factory.py, upgrade.py   the request of the opening handshake
    websocket.py, answer_head.py       its answer, and how the session ends
    session_defaults.py                what Autobahn would set on each protocol
"""

from __future__ import annotations
