"""What Phoenix's serializers make of a server's frame, written from their description.

It reads JSON by the standard library, and knows nothing of the library's own code but
the class of a message.
"""

from __future__ import annotations

from typing import Any

from txphoenix.protocol.message import Message

from .strict_json import strict_json

__all__ = ["message_in", "message_in_binary", "message_in_text"]


def message_in(data: bytes, is_binary: bool) -> Message | None:
    """The message in a frame of V2; None if there is none."""
    return message_in_binary(data) if is_binary else message_in_text(data)


def message_in_text(data: bytes, is_first: bool = False) -> Message | None:
    """The message in a text frame; None if there is none.

    :param is_first: whether it is of V1.
    """
    try:
        value = strict_json(data)
    except (ValueError, RecursionError):
        return None
    if is_first:
        if not isinstance(value, dict) or not value.keys() >= {"topic", "event"}:
            return None
        fields = [value.get(name) for name in Message._fields]
    else:
        if not isinstance(value, list) or len(value) < 5:
            return None
        fields = value[:5]
    refs: list[Any] = [
        str(ref) if isinstance(ref, int) and not isinstance(ref, bool) else ref
        for ref in fields[:2]
    ]
    if not all(ref is None or isinstance(ref, str) for ref in refs):
        return None
    if not all(isinstance(text, str) for text in fields[2:4]):
        return None
    return Message(*refs, *fields[2:])


def message_in_binary(data: bytes) -> Message | None:
    """The message in a binary frame; None if there is none."""
    names = {0: "jte", 1: "jrts", 2: "te"}.get(data[0] if data else -1)
    if names is None or len(data) <= len(names):
        return None
    start = 1 + len(names)
    texts: dict[str, str] = {}
    for name, size in zip(names, data[1:start], strict=True):
        if start + size > len(data):
            return None
        try:
            texts[name] = data[start : start + size].decode("utf-8")
        except UnicodeDecodeError:
            return None
        start += size
    payload: Any = data[start:]
    event = texts.get("e", "phx_reply")
    if "s" in texts:
        payload = {"status": texts["s"], "response": payload}
    refs = texts.get("j") or None, texts.get("r") or None
    return Message(*refs, texts["t"], event, payload)
