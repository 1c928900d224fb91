"""The server of all workloads: a process of its own, and no WebSocket library.

It must never be what limits a client, so it knows no more than the workloads need:
whole masked text frames in, unmasked text frames out, and JSON without spaces, of
which it looks at the commas alone.

``phx_join``, ``heartbeat``, ``ping``
    are answered with their own payload.
``note``
    is not answered at all.
``phx_leave``
    is answered, and ``phx_close`` follows, as Phoenix does it.
``prepare`` ``{"count": messages, "channels": channels}``
    makes the frames of a flood, numbered, in turn for each channel, each with the
    ``join_ref`` of its channel, and answers when that is done.
``flood``
    sends what was prepared, one behind the other.
``flood-each``
    sends what was prepared, each frame in a write of its own, as Phoenix does it; over
    TLS each is then a record.
``drop``
    ends the connection without a word.

It prints its port and the one with TLS, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import ssl
import sys
from base64 import b64encode
from hashlib import sha1
from pathlib import Path

from .deflate import Deflate
from .floods import FAULTS, chat_texts, flood_texts, spoil
from .frames import BINARY, frame, unmasked
from .incoming import LARGE, LargeFrame
from .large_messages import large_frames, number_of
from .longpoll_server import LongPollConnection, is_long_poll
from .outgoing import Outgoing, cut

HOST = "127.0.0.1"

CERTIFICATE = "certificate.pem"
"""The file with the certificate, in the directory that the server is given."""

KEY = "key.pem"
"""The file with its key."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
_PROTOCOL = re.compile(rb"sec-websocket-protocol: *([^\s,]+)", re.IGNORECASE)
_CLOSE = 0x88
_DEFLATED = 0x40


def reply(
    join_ref: bytes, ref: bytes, topic: bytes, status: bytes, response: bytes
) -> bytes:
    """The frame of a reply."""
    return frame(
        b'[%b,%b,%b,"phx_reply",{"status":"%b","response":%b}]'
        % (join_ref, ref, topic, status, response)
    )


class Connection(asyncio.Protocol):
    """One client's connection.

    :param fault: what goes wrong in its floods, if anything.
    """

    transport: asyncio.Transport
    _outgoing: Outgoing

    def __init__(self, fault: str | None = None) -> None:
        self._fault = fault
        self._rest = b""
        self._is_open = False
        self._join_refs: dict[bytes, bytes] = {}
        self._prepared: list[bytes] = []
        self._pieces: list[bytes] = []
        self._large: LargeFrame | None = None
        self._deflate: Deflate | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = transport  # type: ignore[assignment]
        self._outgoing = Outgoing(self.transport)

    def pause_writing(self) -> None:
        """Wait until what was written has left."""
        self._outgoing.pause()

    def resume_writing(self) -> None:
        """Write more."""
        self._outgoing.resume()

    def data_received(self, data: bytes) -> None:
        """Work off what has come, and answer all of it in one write."""
        answers: list[bytes] = []
        if self._large is not None:
            data = self._take_large(self._large, data, answers)
        if self._rest:
            data = self._rest + data
        if not self._is_open:
            data = self._shake_hands(data)
        self._rest = self._take_frames(data, answers)
        self._send(answers)

    def _send(self, answers: list[bytes]) -> None:
        if answers:
            self._outgoing.write(b"".join(answers))
            answers.clear()

    def _shake_hands(self, data: bytes) -> bytes:
        """Answer the request once all of it is there; return what follows it."""
        head, end, rest = data.partition(b"\r\n\r\n")
        key = _KEY.search(head)
        if end and is_long_poll(head):
            self._leave_to_long_poll(data)
            return b""
        if not end or key is None:
            return data
        self._is_open = True
        protocol = _PROTOCOL.search(head)
        chosen = b"Sec-WebSocket-Protocol: %b\r\n" % protocol[1] if protocol else b""
        if head.startswith(b"GET /deflate/"):
            if b"permessage-deflate" not in head:
                self.transport.write(b"HTTP/1.1 400 No compression offered\r\n\r\n")
                self.transport.close()
                return b""
            self._deflate = Deflate()
            chosen += Deflate.answer
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n%b"
            b"Sec-WebSocket-Accept: %b\r\n\r\n"
            % (chosen, b64encode(sha1(key[1] + _GUID).digest()))
        )
        return rest

    def _leave_to_long_poll(self, data: bytes) -> None:
        """Have all that comes by this connection taken by another protocol."""
        protocol = LongPollConnection(self._fault)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(data)

    def _take_frames(self, data: bytes, answers: list[bytes]) -> bytes:
        """Answer the whole frames in ``data``; return the rest."""
        offset = 0
        size = len(data)
        while self._is_open and offset + 2 <= size:
            start = offset + 6
            length = data[offset + 1] & 127
            if length > 125:
                wide = 2 if length == 126 else 8
                start += wide
                length = int.from_bytes(data[offset + 2 : offset + 2 + wide], "big")
            if start > size:
                break
            mask = data[start - 4 : start]
            if length > LARGE:
                self._large = LargeFrame(data[offset], mask, length)
                data = self._take_large(self._large, data[start:], answers)
                offset, size = 0, len(data)
                if self._large is not None:
                    break
                continue
            end = start + length
            if end > size:
                break
            self._take(data[offset], unmasked(data[start:end], mask), answers)
            offset = end
        return data[offset:]

    def _take_large(
        self, large: LargeFrame, data: bytes, answers: list[bytes]
    ) -> bytes:
        """Take what belongs to a large frame; return what follows."""
        rest = large.take(data)
        if large.is_whole:
            self._large = None
            self._take(large.kind, large.content(), answers)
        return rest

    def _take(self, kind: int, data: bytes, answers: list[bytes]) -> None:
        """Answer what a frame holds."""
        if kind == _CLOSE:
            self.transport.write(b"\x88\x02\x03\xe8")
            self.transport.close()
            self._is_open = False
            return
        if kind & _DEFLATED and self._deflate is not None:
            data = self._deflate.text(data)
        if kind == BINARY:
            self._answer_binary(data, answers)
            return
        join_ref, ref, topic, event, payload = data[1:].split(b",", 4)
        event = event.strip(b'"')
        if event in (b"store", b"check"):
            payload = payload.removesuffix(b"]")
            number = number_of(payload, False, event == b"check")
            self._acknowledge(join_ref, ref, topic, number, answers)
        else:
            self._answer(join_ref, ref, topic, event, payload[:-1], answers)

    def _answer_binary(self, data: bytes, answers: list[bytes]) -> None:
        """Acknowledge a large message: all that is binary is one."""
        fields = []
        offset = 5
        for length in data[1:5]:
            fields.append(data[offset : offset + length])
            offset += length
        join_ref, ref, topic = (b'"%b"' % field for field in fields[:3])
        number = number_of(data[offset:], True, fields[3] == b"check")
        self._acknowledge(join_ref, ref, topic, number, answers)

    def _acknowledge(
        self,
        join_ref: bytes,
        ref: bytes,
        topic: bytes,
        number: int | None,
        answers: list[bytes],
    ) -> None:
        status, response = b"ok", b'{"n":%d}' % (number or 0)
        if number is None:
            status, response = b"error", b'{"reason":"not what was sent"}'
        answers.append(reply(join_ref, ref, topic, status, response))

    def _answer(
        self,
        join_ref: bytes,
        ref: bytes,
        topic: bytes,
        event: bytes,
        payload: bytes,
        answers: list[bytes],
    ) -> None:
        if event == b"phx_join":
            self._join_refs[topic] = join_ref
        elif event.startswith(b"prepare"):
            self._prepare(event, json.loads(payload))
        elif event.startswith(b"flood"):
            self._send(answers)
            if event == b"flood-each":
                self._outgoing.write_each(self._prepared)
            else:
                self._outgoing.write_all(self._pieces)
            return
        elif event == b"note":
            return
        elif event == b"drop":
            self.transport.close()
            return
        answers.append(reply(join_ref, ref, topic, b"ok", payload))
        if event == b"phx_leave":
            closed = b'[%b,%b,%b,"phx_close",{}]' % (join_ref, join_ref, topic)
            answers.append(frame(closed))

    def _prepare(self, event: bytes, wanted: dict[str, int]) -> None:
        if event == b"prepare-large":
            join_ref = self._join_refs[b'"bench:0"']
            frames = large_frames(
                wanted["count"], wanted["size"], bool(wanted["binary"]), join_ref
            )
            spoil(frames, self._fault)
        else:
            if event == b"prepare-chat":
                texts = chat_texts(wanted["count"], wanted["size"], self._join_refs)
            else:
                channels = wanted["channels"]
                texts = flood_texts(wanted["count"], channels, self._join_refs)
            spoil(texts, self._fault)
            frames = list(map(self._deflate.frame if self._deflate else frame, texts))
        self._prepared = frames
        self._pieces = cut(frames)


def allow_many_files() -> None:
    """Have as many sockets as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def secure_context(directory: Path) -> ssl.SSLContext:
    """For TLS 1.3, with the certificate in ``directory``; sessions can be resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(directory / CERTIFICATE, directory / KEY)
    return context


async def serve(directory: Path, fault: str | None) -> None:
    """Serve on two free ports, the second with TLS, until standard input ends."""
    loop = asyncio.get_running_loop()
    ports = []
    for context in (None, secure_context(directory)):
        server = await loop.create_server(
            lambda: Connection(fault), HOST, 0, backlog=1024, ssl=context
        )
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("directory", type=Path, help="with the certificate")
    parser.add_argument("--fault", choices=FAULTS)
    wanted = parser.parse_args()
    allow_many_files()
    asyncio.run(serve(wanted.directory, wanted.fault))


if __name__ == "__main__":
    main()
