"""What RFC 6455 section 4.1 makes of the answer to an opening handshake.

It reads HTTP by RFC 9112, and takes nothing else for HTTP but lines that end in LF
alone, which section 2.2 of that allows.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from typing import Final, Literal

__all__ = ["Verdict", "verdict"]

Verdict = Literal["open", "refused", "waiting", "either"]
"""What must become of a handshake; ``either`` where the RFCs leave it open."""

_MOST_INTERIM: Final = 16
_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.1 101(?: [\t \x21-\x7e\x80-\xff]*)?")
# RFC 9112 section 4 lets a client split the line at any white space, and take no notice
# of the phrase.
_ODD_STATUS: Final = re.compile(rb"\s*HTTP/1\.1\s+101(?:\s.*)?", re.DOTALL)
_INTERIM: Final = re.compile(rb"HTTP/[0-9.]+ +1(?!01)[0-9][0-9](?![^ \r\n])")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t \x21-\x7e\x80-\xff]*)")


def verdict(
    data: bytes, key: bytes, protocols: Sequence[str], is_compressed: bool
) -> Verdict:
    """What must become of it.

    :param data: all that has come.
    :param key: the value of ``Sec-WebSocket-Key``.
    :param protocols: the subprotocols that were offered.
    :param is_compressed: whether permessage-deflate was.
    """
    for _ in range(_MOST_INTERIM + 1):
        end = _END.search(data)
        if end is None:
            return "waiting"
        head, data = data[: end.start()], data[end.end() :]
        if not _INTERIM.match(head):
            return _of_head(head, key, protocols, is_compressed)
    return "refused"


def _of_head(
    head: bytes, key: bytes, protocols: Sequence[str], is_compressed: bool
) -> Verdict:
    first, *lines = re.split(rb"\r?\n", head)
    if not _ODD_STATUS.fullmatch(first):
        return "refused"
    fields: dict[bytes, list[bytes]] = {}
    is_plain = bool(_STATUS.fullmatch(first))
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            # A server that sends it is wrong, and what a client does is its own affair.
            is_plain = False
        else:
            fields.setdefault(found[1].lower(), []).append(found[2].strip(b" \t"))
    said = _of_fields(fields, key, protocols, is_compressed)
    return said if is_plain else "either"


def _of_fields(
    fields: dict[bytes, list[bytes]],
    key: bytes,
    protocols: Sequence[str],
    is_compressed: bool,
) -> Verdict:
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    tokens = b",".join(fields.get(b"connection", [])).lower().split(b",")
    if (
        [value.lower() for value in fields.get(b"upgrade", [])] != [b"websocket"]
        or b"upgrade" not in [token.strip(b" \t") for token in tokens]
        or fields.get(b"sec-websocket-accept") != [accept]
    ):
        return "refused"
    chosen = fields.get(b"sec-websocket-protocol", [])
    extensions = fields.get(b"sec-websocket-extensions", [])
    if len(chosen) > 1 or len(extensions) > 1:
        return "refused"
    if chosen == [b""] or extensions == [b""]:
        # Something that the grammar has not, and that says nothing.
        return "either"
    if chosen and chosen[0].decode("latin-1") not in protocols:
        return "refused"
    if extensions:
        return _of_extension(extensions[0].decode("latin-1"), is_compressed)
    return "open"


def _of_extension(value: str, is_compressed: bool) -> Verdict:
    """Whether the one extension that may be offered is agreed on (RFC 7692)."""
    # RFC 9110 section 5.6.1 has clients put up with empty elements.
    elements = [each for each in value.split(",") if each.strip()]
    if len(elements) != 1:
        return "refused" if elements else "either"
    name, *parameters = [part.strip() for part in elements[0].split(";")]
    if name.lower() != "permessage-deflate" or not is_compressed:
        return "refused"
    plain = {"server_no_context_takeover", "client_no_context_takeover"}
    if len(set(parameters)) == len(parameters) and plain.issuperset(parameters):
        return "open"
    return "either"
