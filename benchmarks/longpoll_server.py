"""The server's part of long-poll: HTTP/1.1 as far as the workloads need it.

It shares the port of the WebSockets, and is no HTTP library, so that it is never what
limits a client::

    GET  /socket/longpoll                  410 and a token: the session is open
    GET  /socket/longpoll?...&token=T      200 and messages, once there are any
    POST /socket/longpoll?...&token=T      takes a frame a line, and answers 200

The events are those of :mod:`benchmarks.server`; of ``prepare``, ``batch`` says how
many messages an answer has.
The answers of a flood are made before the clock starts, and each poll gets the next.
A poll that finds nothing waits as long as it takes.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from itertools import count as numbers
from typing import Final

from .floods import flood_texts, spoil

__all__ = ["LongPollConnection", "flood_answers", "is_long_poll"]

_TOKEN: Final = re.compile(rb"[?&]token=([0-9]+)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_TAKEN: Final = b'{"status":200}'

_sessions: dict[bytes, Session] = {}
_tokens = numbers(1)


def is_long_poll(data: bytes) -> bool:
    """Whether a connection begins with a request of long-poll."""
    return b"/longpoll" in data[: data.find(b"\r\n")]


def answer(body: bytes) -> bytes:
    """An answer as it goes over the wire, with headers that Phoenix sends, too."""
    return (
        b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\n"
        b"cache-control: max-age=0, private, must-revalidate\r\n"
        b"content-length: %d\r\ncontent-type: application/json\r\n"
        b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n%b" % (len(body), body)
    )


def messages_answer(messages: list[bytes], token: bytes) -> bytes:
    """The answer to a poll: each message is JSON in a string of JSON."""
    texts = b",".join([_as_string(message) for message in messages])
    return answer(b'{"messages":[%b],"status":200,"token":"%b"}' % (texts, token))


def flood_answers(
    token: bytes,
    count: int,
    batch: int,
    channels: int,
    join_refs: dict[bytes, bytes],
    fault: str | None = None,
) -> deque[bytes]:
    """The answers of a flood, in turn to each channel, so many messages in each."""
    messages = flood_texts(count, channels, join_refs)
    spoil(messages, fault)
    return deque(
        messages_answer(messages[first : first + batch], token)
        for first in range(0, len(messages), batch)
    )


class Session:
    """One session, whatever connections its requests come by."""

    def __init__(self, token: bytes, fault: str | None) -> None:
        self.token = token
        self._fault = fault
        self._join_refs: dict[bytes, bytes] = {}
        self._messages: list[bytes] = []
        self._prepared: deque[bytes] = deque()
        self._answers: deque[bytes] = deque()
        self._poll: asyncio.Transport | None = None

    def poll(self, transport: asyncio.Transport) -> None:
        """Answer a poll as soon as there is something."""
        self._poll = transport
        self.flush()

    def flush(self) -> None:
        """Answer the poll that waits, if there is something."""
        poll = self._poll
        if poll is None or poll.is_closing():
            return
        if self._answers:
            poll.write(self._answers.popleft())
        elif self._messages:
            messages, self._messages = self._messages, []
            poll.write(messages_answer(messages, self.token))
        else:
            return
        self._poll = None

    def take(self, body: bytes) -> None:
        """Work off what was published."""
        for line in body.split(b"\n"):
            self._take_message(line)

    def _take_message(self, text: bytes) -> None:
        join_ref, ref, topic, event, payload = text[1:-1].split(b",", 4)
        if event == b'"phx_join"':
            self._join_refs[topic] = join_ref
        elif event == b'"prepare"':
            wanted = json.loads(payload)
            self._prepared = flood_answers(
                self.token,
                wanted["count"],
                wanted["batch"],
                wanted["channels"],
                self._join_refs,
                self._fault,
            )
        elif event == b'"flood"':
            self._answers, self._prepared = self._prepared, deque()
            return
        elif event == b'"note"':
            return
        self._messages.append(
            b'[%b,%b,%b,"phx_reply",{"status":"ok","response":%b}]'
            % (join_ref, ref, topic, payload)
        )


class LongPollConnection(asyncio.Protocol):
    """One connection, by which a request at a time comes.

    :param fault: what goes wrong in floods, if anything.
    """

    transport: asyncio.Transport

    def __init__(self, fault: str | None = None) -> None:
        self._fault = fault
        self._rest = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._rest += data
        while self._rest and len(self._rest) >= self._wanted:
            end = self._rest.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._rest[:end])
            length = _LENGTH.search(head)
            start = end + 4
            self._wanted = start + (int(length[1]) if length else 0)
            if len(self._rest) < self._wanted:
                return
            body = bytes(self._rest[start : self._wanted])
            del self._rest[: self._wanted]
            self._wanted = 0
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        token = _TOKEN.search(head, 0, head.find(b"\r\n"))
        if token is None:
            session = Session(b"%d" % next(_tokens), self._fault)
            _sessions[session.token] = session
            opened = b'{"messages":[],"status":410,"token":"%b"}' % session.token
            self.transport.write(answer(opened))
        elif head.startswith(b"POST"):
            session = _sessions[token[1]]
            session.take(body)
            # As Phoenix does: the frames have been dealt with when this is said.
            self.transport.write(answer(_TAKEN))
            session.flush()
        else:
            _sessions[token[1]].poll(self.transport)


def _as_string(text: bytes) -> bytes:
    """Text without control characters as a string of JSON."""
    return b'"%b"' % text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
