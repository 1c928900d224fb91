"""The fast protocol against Autobahn's, on any stream of frames cut anywhere."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.frame_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Fast,
    Stock,
    frame,
    lost,
    opened,
    sent_frames,
)
from txphoenix.test.properties import checked

from .properties import HealthCheck, example, given, settings, st

payload_sizes = st.one_of(
    st.integers(0, 20),
    st.sampled_from([124, 125, 126, 127, 200, 999, 1000, 1001, 1501]),
    st.sampled_from([16380, 16384, 17000, 65535, 65536, 70000]),
)
texts = st.one_of(
    st.text(max_size=12).map(str.encode),
    st.builds(
        lambda size, tail: b"x" * size + tail.encode(),
        payload_sizes,
        st.text(max_size=3),
    ),
)
not_texts = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"ok \xe2\x82"]
    ),
    st.builds(
        lambda size, tail: b"y" * size + tail, payload_sizes, st.binary(max_size=3)
    ),
)
payloads = st.one_of(texts, not_texts)
close_payloads = st.one_of(
    st.sampled_from([b"", b"\x03"]),
    st.builds(
        lambda code, reason: struct.pack("!H", code) + reason,
        st.sampled_from(
            [999, 1000, 1001, 1004, 1005, 1006, 1012, 2999, 3000, 4999, 5000]
        ),
        st.one_of(texts.map(lambda text: text[:120]), st.binary(max_size=8)),
    ),
)
plain = st.one_of(
    st.builds(frame, texts),
    st.builds(frame, st.binary(max_size=30), st.just(BINARY)),
    st.builds(frame, payloads, st.just(BINARY)),
)
control = st.one_of(
    st.builds(frame, st.binary(max_size=125), st.sampled_from([PING, PONG])),
)


@st.composite
def fragmented(draw: Any) -> bytes:
    """A message in fragments, control frames between them."""
    payload = draw(payloads)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), min_size=1, max_size=3)))
    out, opcode, start = b"", draw(st.sampled_from([TEXT, BINARY])), 0
    for cut in cuts:
        out += frame(payload[start:cut], opcode, fin=False)
        out += b"".join(draw(st.lists(control, max_size=2)))
        opcode, start = CONTINUATION, cut
    return out + frame(payload[start:], CONTINUATION)


wrong = st.one_of(
    st.builds(frame, not_texts),
    st.builds(frame, close_payloads, st.just(CLOSE)),
    st.builds(frame, payloads, st.integers(0, 15), st.booleans(), st.integers(0, 7)),
    st.builds(
        frame, payloads, st.integers(1, 2), key=st.binary(min_size=4, max_size=4)
    ),
    st.builds(frame, texts, st.integers(1, 2), form=st.sampled_from([126, 127])),
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [b"\x81\x7f" + b"\xff" * 8, b"\x82\x7f" + b"\x7f" * 8, b"\x81\x7e\x00"]
    ),
)
streams = st.one_of(
    st.lists(st.one_of(plain, plain, plain, control, fragmented()), max_size=12),
    st.lists(st.one_of(plain, plain, control, fragmented(), wrong), max_size=8),
).map(b"".join)


@st.composite
def reads(draw: Any) -> list[bytes]:
    """A stream of frames, cut anywhere."""
    data = draw(streams)
    step = draw(st.sampled_from([0, 0, 1, 3, 50, 1460]))
    if step and len(data) // step < 3000:
        cuts = list(range(0, len(data), step))
    else:
        cuts = draw(st.lists(st.integers(0, len(data)), max_size=8))
    edges = [0, *sorted(cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    return [chunk for chunk in chunks if chunk]


options = st.fixed_dictionaries(
    {
        "failByDrop": st.booleans(),
        "maxMessagePayloadSize": st.sampled_from([0, 0, 10, 1000, 66000]),
        "maxFramePayloadSize": st.sampled_from([0, 0, 0, 1000]),
        "acceptMaskedServerFrames": st.booleans(),
        "echoCloseCodeReason": st.booleans(),
    }
)
acts = st.dictionaries(
    st.integers(1, 12),
    st.sampled_from(["echo", "echo", "echo", "ping", "close", "drop", "abort"]),
    max_size=6,
)


def state_of(protocol: Any) -> dict[str, object]:
    """All that must be the same in both protocols."""
    return {
        "seen": list(protocol.seen),
        "sent": sent_frames(b"".join(protocol.transport.writes)),
        "state": protocol.state,
        "local close": (protocol.localCloseCode, protocol.localCloseReason),
        "remote close": (protocol.remoteCloseCode, protocol.remoteCloseReason),
        "failed": (protocol.failedByMe, protocol.wasNotCleanReason),
        "dropped": (protocol.transport.disconnecting, protocol.transport.is_aborted),
    }


def fed(protocol: Any, data: bytes) -> str | None:
    """Feed one read to a protocol; returns the exception that came out, as text."""
    try:
        protocol.dataReceived(data)
    except Exception as error:
        return repr(error)
    return None


UNUSUAL = {
    "reserved bit 1": frame(b"x", rsv=4),
    "reserved bit 2": frame(b"x", BINARY, rsv=2),
    "reserved bit 3": frame(b"x", rsv=1),
    "masked": frame(b"x", key=b"\0\0\0\0"),
    "masked and long": frame(b"x" * 200, BINARY, key=b"key!"),
    "longer length than needed": frame(b"x" * 125, form=126),
    "far longer length than needed": frame(b"x" * 65535, BINARY, form=127),
    "endless": b"\x82\xff" + b"\xff" * 8,
    "reserved data opcode": frame(b"x", 3),
    "reserved control opcode": frame(b"x", 11),
    "fragment of nothing": frame(b"x", CONTINUATION),
    "message within a message": frame(b"x", fin=False) + frame(b"y"),
    "ping within a message": frame(b"x", fin=False) + frame(b"y", PING),
    "ping in fragments": frame(b"x", PING, fin=False),
    "long ping": frame(b"x" * 126, PING),
    "half a close code": frame(b"\x03", CLOSE),
    "close": frame(b"\x03\xe8bye", CLOSE),
    "bad close code": frame(b"\x00\x01", CLOSE),
    "bad close reason": frame(b"\x03\xe8\xff", CLOSE),
    "bad text": frame(b"\xff"),
    "text that stops too early": frame(b"\xe2\x82"),
    "surrogate": frame(b"\xed\xa0\x80"),
    "too large": frame(b"x" * 66001),
}


class EquivalenceTests(SynchronousTestCase):
    """The fast protocol and Autobahn's do the same."""

    def test_unusual_frames(self) -> None:
        """Each frame that is not plain does the same, between others, cut or not."""
        limits: dict[str, Any] = {"maxMessagePayloadSize": 66000}
        for name, data in UNUSUAL.items():
            stream = (
                frame(b"before") + data + frame(b"after") + frame(b"end", CONTINUATION)
            )
            cuts = [len(stream), 8, 9, 10, 11, 12, 18]
            for fail_by_drop in (False, True):
                for cut in cuts:
                    stock = opened(Stock, failByDrop=fail_by_drop, **limits)
                    fast = opened(Fast, failByDrop=fail_by_drop, **limits)
                    for chunk in (stream[:cut], stream[cut:]):
                        raised = fed(stock, chunk)
                        self.assertEqual(fed(fast, chunk), raised, name)
                        self.assertEqual(state_of(fast), state_of(stock), (name, cut))
                        if raised:
                            break

    @settings(checked, max_examples=250, suppress_health_check=list(HealthCheck))
    @given(chunks=reads(), options=options, acts=acts)
    @example([b"\x81", b"\x03", b"\xed", b"\xa0"], {}, {})
    @example([b"\x81\x03\xf4", b"\x90"], {}, {})
    @example([b"\x81\x03ab\xe2"], {}, {})
    @example([b"\x81\x7e\x00\x7d" + b"a" * 125], {}, {})
    @example(
        [b"\x81\x02ok", b"\x88", b"\x02\x03\xe8"], {"failByDrop": True}, {1: "echo"}
    )
    @example([frame(b"a") * 3 + frame(b"b", PING) + frame(b"c")], {}, {2: "close"})
    def test_any_stream(
        self, chunks: list[bytes], options: dict[str, Any], acts: dict[int, str]
    ) -> None:
        """Any stream cut anywhere gives the same messages, writes and close."""
        stock, fast = opened(Stock, **options), opened(Fast, **options)
        stock.acts = fast.acts = acts
        for chunk in chunks:
            raised = fed(stock, chunk)
            self.assertEqual(fed(fast, chunk), raised)
            self.assertEqual(state_of(fast), state_of(stock))
            if raised:
                return
        for protocol in (stock, fast):
            lost(protocol)
        self.assertEqual(state_of(fast), state_of(stock))

    @settings(checked, max_examples=100, suppress_health_check=list(HealthCheck))
    @given(
        chunks=reads(),
        acts=acts,
        pauses=st.dictionaries(
            st.integers(1, 12), st.sampled_from(["pause", "pause and resume"])
        ),
        resumes=st.lists(st.booleans()),
        is_lost=st.booleans(),
    )
    @example([b"\x82\x00", b"\x01\x80", b"\x00"], {}, {1: "pause"}, [], False)
    def test_pauses(
        self,
        chunks: list[bytes],
        acts: dict[int, str],
        pauses: dict[int, str],
        resumes: list[bool],
        is_lost: bool,
    ) -> None:
        """Pauses put things off, and change nothing else."""
        steady, halting = opened(Fast), opened(Fast)
        steady.acts, halting.acts = acts, {**pauses, **acts}
        for number, chunk in enumerate(chunks):
            raised = [fed(protocol, chunk) for protocol in (steady, halting)]
            if any(raised):
                return
            if number < len(resumes) and resumes[number]:
                halting.resume_reading()
            if steady.failedByMe:
                # Another read would drop the connection, and who has paused may have
                # read all of it at once.
                break
        if not is_lost:
            for _ in pauses:
                halting.resume_reading()
            self.assertEqual(state_of(halting), state_of(steady))
        for protocol in (steady, halting):
            lost(protocol)
        self.assertEqual(state_of(halting)["seen"], state_of(steady)["seen"])
