"""What each option is, in a sentence: what ``twistd txphoenix --help`` shows.

A docstring beside an attribute is not there when a program runs, so they are here too.
"""

# Written by docs/generate_options.py from txphoenix/options/options.py.

from __future__ import annotations

__all__ = ["TEXTS"]

TEXTS = {
    "name": "The name of the client's service, by which its parent finds it.",
    "url": "The socket's URL, such as wss://example.org/socket. It must be given.",
    "exact_url": "Whether the URL's path is taken as it is.",
    "transport": 'What carries the messages: "websocket" or "longpoll".',
    "endpoint": (
        "What to connect to instead of the URL's host, such as unix:path=/run/socket."
    ),
    "proxy": 'The HTTP proxy: http://[user:password@]host[:port], or "environment".',
    "tls": "What txphoenix.client_tls returns, or Twisted's optionsForClientTLS.",
    "keepalive": (
        "Whether the system shall look after idle TCP connections (SO_KEEPALIVE)."
    ),
    "longpoll_fallback": (
        "Seconds after which a WebSocket that does not answer gives way to long-poll."
    ),
    "connect_timeout": (
        "Seconds for one attempt to connect: parameters, TCP, TLS and handshake."
    ),
    "params": "The connection's parameters, sent in the URL's query.",
    "headers": "Headers of the HTTP request that opens the connection, sent as UTF-8.",
    "auth_token": "The token for a socket with auth_token: true (Phoenix 1.8).",
    "cookies": (
        "Whether cookies that the server sets are sent with the next connection."
    ),
    "vsn": 'The version of Phoenix\'s wire format; "1.0.0" is deprecated.',
    "serializer": "A JSON codec such as json (loads, dumps), or a whole serializer.",
    "compression": "Whether to offer the WebSocket's permessage-deflate (RFC 7692).",
    "fast_frames": "Whether simple frames take a short way past Autobahn's parser.",
    "fast_http": (
        "Whether long-poll makes its requests itself, without treq and Twisted's agent."
    ),
    "fast_tls": (
        "Whether TLS is a transport of our own, without the detours of Twisted's."
    ),
    "auto_connect": "Whether to connect as soon as the service starts.",
    "reconnect": "Whether to connect again after a connection failed or was lost.",
    "should_reconnect": (
        "Takes the error that ended a connection or an attempt; says whether to retry."
    ),
    "backoff": (
        "Takes how many attempts to reconnect have failed, and returns the next delay."
    ),
    "reconnect_interval": "The longest delay of the default backoff, in seconds.",
    "heartbeat_interval": (
        "Seconds between heartbeats; Phoenix closes after 60 without one."
    ),
    "heartbeat_timeout": (
        "Seconds of silence after a heartbeat before the connection is dropped."
    ),
    "close_timeout": (
        "Seconds for the server to finish the closing handshake, before an abort."
    ),
    "topic_channel_map": (
        'Topics to channel classes; a key such as "rooms:*" stands for a prefix.'
    ),
    "default_channel_class": (
        "The class of channels that topic_channel_map names none for."
    ),
    "default_channel_params": "The parameters of all channels.",
    "timeout": "Seconds to wait for the reply to a join, a push or a leave.",
    "join_channels": "Topics to join whenever connected, and the parameters of each.",
    "join_window": (
        "How many joins are under way at most, since the server does one at a time."
    ),
    "rejoin_backoff": "The backoff of a channel that must be joined again.",
    "max_restarts": "How often a crashing channel is restarted in max_seconds.",
    "max_seconds": "The seconds in which max_restarts are counted.",
    "send_buffer": "How many messages are kept while there is no connection.",
    "push_buffer": "How many pushes each channel keeps until it is joined.",
    "receive_buffer": "How many messages each channel keeps for receive().",
    "write_buffer": "How many bytes may wait to be written to the connection.",
    "max_message_size": "The largest message in bytes, in either direction.",
}
"""The first paragraphs of the docstrings in :mod:`txphoenix.options`, as plain text."""
