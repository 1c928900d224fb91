"""When plain frames may take the short way past Autobahn's parser.

They may not if another compression than permessage-deflate was negotiated, or if one
of Autobahn's options asks for more than payloads (``logFrames``, ``trackTimings``,
``autoFragmentSize``, ...); nor while the parser is in the middle of something.
"""

from __future__ import annotations

from .compressed_frames import CompressedFrames
from .fragments import FragmentLimitProtocol

__all__ = ["is_at_frame", "is_plain_session"]


def is_plain_session(protocol: FragmentLimitProtocol) -> bool:
    """Whether nobody asked for more than payloads, in either direction."""
    return (
        (protocol._perMessageCompress is None or CompressedFrames.is_for(protocol))
        and protocol.utf8validateIncoming
        and protocol.maskClientFrames
        and protocol.applyMask
        and not protocol.autoFragmentSize
        and not protocol.logFrames
        and not protocol.trackTimings
    )


def is_at_frame(protocol: FragmentLimitProtocol) -> bool:
    """Whether a frame begins here that only its payload need be known of."""
    return (
        protocol.state == protocol.STATE_OPEN
        and protocol.current_frame is None
        and not protocol.inside_message
        # Autobahn may take any frame for a sign of life, instead of the pong.
        and protocol.autoPingTimeoutCall is None
        # Somebody has asked Autobahn to be told of each message as well.
        and protocol._listeners is None
    )
