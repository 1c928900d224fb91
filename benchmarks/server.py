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
    sends what was prepared, in one write.
``drop``
    ends the connection without a word.

It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import sys
from base64 import b64encode
from hashlib import sha1

from .longpoll_server import LongPollConnection, is_long_poll

BODY = b"x" * 48
"""What makes a message of a flood about 100 bytes long."""

FAULTS = ("lose", "repeat", "swap")
"""What can be done to the message in the middle of a flood."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
_PROTOCOL = re.compile(rb"sec-websocket-protocol: *([^\s,]+)", re.IGNORECASE)
_CLOSE = 0x88


def text_frame(text: bytes) -> bytes:
    """An unmasked frame, of less than 64 KiB."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), text)


def flood_frames(
    count: int, channels: int, join_refs: dict[bytes, bytes], fault: str | None = None
) -> bytes:
    """The frames of a flood, one behind the other."""
    heads = []
    for number in range(channels):
        topic = b'"bench:%d"' % number
        heads.append(b'[%b,null,%b,"msg",' % (join_refs.get(topic, b"null"), topic))
    frames = [
        text_frame(
            b'%b{"n":%d,"body":"%b"}]' % (heads[number % channels], number, BODY)
        )
        for number in range(count)
    ]
    middle = count // 2
    if fault == "lose":
        del frames[middle]
    elif fault == "repeat":
        frames.insert(middle, frames[middle])
    elif fault == "swap":
        frames[middle : middle + 2] = frames[middle : middle + 2][::-1]
    return b"".join(frames)


class Connection(asyncio.Protocol):
    """One client's connection.

    :param fault: what goes wrong in its floods, if anything.
    """

    transport: asyncio.Transport

    def __init__(self, fault: str | None = None) -> None:
        self._fault = fault
        self._rest = b""
        self._is_open = False
        self._join_refs: dict[bytes, bytes] = {}
        self._prepared = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Work off what has come, and answer all of it in one write."""
        if self._rest:
            data = self._rest + data
        if not self._is_open:
            data = self._shake_hands(data)
        answers: list[bytes] = []
        self._rest = data[self._take_frames(data, answers) :]
        if answers:
            self.transport.write(b"".join(answers))

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

    def _take_frames(self, data: bytes, answers: list[bytes]) -> int:
        """Answer the whole frames in ``data``; return where the rest begins."""
        offset = 0
        size = len(data)
        while self._is_open and offset + 2 <= size:
            start = offset + 6
            length = data[offset + 1] & 127
            if length > 125:
                wide = 2 if length == 126 else 8
                start += wide
                length = int.from_bytes(data[offset + 2 : offset + 2 + wide], "big")
            end = start + length
            if end > size:
                break
            if data[offset] == _CLOSE:
                self.transport.write(b"\x88\x02\x03\xe8")
                self.transport.close()
                return size
            mask = data[start - 4 : start]
            masks = int.from_bytes((mask * (length // 4 + 1))[:length], "little")
            masked = int.from_bytes(data[start:end], "little")
            self._answer((masked ^ masks).to_bytes(length, "little"), answers)
            offset = end
        return offset

    def _answer(self, text: bytes, answers: list[bytes]) -> None:
        join_ref, ref, topic, event, payload = text[1:-1].split(b",", 4)
        if event == b'"phx_join"':
            self._join_refs[topic] = join_ref
        elif event == b'"prepare"':
            wanted = json.loads(payload)
            self._prepared = flood_frames(
                wanted["count"], wanted["channels"], self._join_refs, self._fault
            )
        elif event == b'"flood"':
            answers.append(self._prepared)
            return
        elif event == b'"note"':
            return
        elif event == b'"drop"':
            self.transport.close()
            return
        answers.append(
            text_frame(
                b'[%b,%b,%b,"phx_reply",{"status":"ok","response":%b}]'
                % (join_ref, ref, topic, payload)
            )
        )
        if event == b'"phx_leave"':
            answers.append(
                text_frame(b'[%b,%b,%b,"phx_close",{}]' % (join_ref, join_ref, topic))
            )


def allow_many_files() -> None:
    """Have as many sockets as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(fault: str | None) -> None:
    """Serve on a free port of 127.0.0.1 until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(fault), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--fault", choices=FAULTS)
    fault = parser.parse_args().fault
    allow_many_files()
    asyncio.run(serve(fault))


if __name__ == "__main__":
    main()
