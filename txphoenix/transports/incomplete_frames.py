"""Whether to wait for the rest of a plain frame, or to leave it to Autobahn's parser.

What is waited for is looked at again with each read, so that must not be often.
And Autobahn fails a connection at the first byte that is no UTF-8; so what has come of
a text must be good so far.
"""

from __future__ import annotations

from typing import Any, Final

from .frame_bytes import long_header
from .masking import TEXT

__all__ = ["is_worth_waiting"]

# An incomplete frame is waited for while it takes no more reads than that, and one of
# more bytes only if it will take no more.
_LONG: Final = 16 * 1024
_FEW_READS: Final = 4


def is_worth_waiting(
    data: bytes, needed: int, read_size: int, reads_waited: int, validator: Any
) -> bool:
    """Whether an incomplete frame is short, and good so far.

    :param data: what has come of it.
    :param needed: how many bytes it has, or its header.
    :param read_size: how many bytes the latest read brought.
    :param reads_waited: for how many reads it has been waited.
    :param validator: Autobahn's, of UTF-8.
    """
    if reads_waited == _FEW_READS or needed > max(_LONG, _FEW_READS * read_size):
        return False
    if len(data) < 2 or data[0] != TEXT:
        return True
    text = data[2 if data[1] < 126 else long_header(data, 0)[0] :]
    if text.isascii():
        return True
    if needed > _LONG:
        return False
    # Python's incremental decoder sees a surrogate only when it is complete.
    validator.reset()
    return bool(validator.validate(text)[0])
