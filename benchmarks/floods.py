"""What a flood consists of, made before the clock starts.

Each message carries its number.
"""

from __future__ import annotations

from random import Random

from .frames import frame

__all__ = ["BODY", "FAULTS", "chat_texts", "flood_size", "flood_texts", "spoil"]

BODY = b"x" * 48
"""What makes a message of a flood about 100 bytes long."""

FAULTS = ("lose", "repeat", "swap")
"""What can be done to the message in the middle of a flood."""


def spoil(messages: list[bytes], fault: str | None) -> None:
    """Do this to the message in the middle; where there is but one, nothing."""
    if len(messages) < 2:
        return
    middle = len(messages) // 2
    if fault == "lose":
        del messages[middle]
    elif fault == "repeat":
        messages.insert(middle, messages[middle])
    elif fault == "swap":
        messages[middle : middle + 2] = messages[middle : middle + 2][::-1]


def flood_texts(
    count: int, channels: int, join_refs: dict[bytes, bytes]
) -> list[bytes]:
    """Messages of about 100 bytes, in turn for each channel."""
    heads = []
    for number in range(channels):
        topic = b'"bench:%d"' % number
        heads.append(b'[%b,null,%b,"msg",' % (join_refs.get(topic, b"null"), topic))
    return [
        b'%b{"n":%d,"body":"%b"}]' % (heads[number % channels], number, BODY)
        for number in range(count)
    ]


def chat_texts(count: int, size: int, join_refs: dict[bytes, bytes]) -> list[bytes]:
    """Messages of about ``size`` bytes, as people write them: no two are the same."""
    random = Random(size)
    letters = b"eeeettaaooiinnsshhrrdlucmwfgypbvk"
    words = [bytes(random.choices(letters, k=random.randint(2, 9))) for _ in range(800)]
    names = words[:40]
    topic = b'"bench:0"'
    head = b'[%b,null,%b,"msg",{"n":' % (join_refs.get(topic, b"null"), topic)
    texts = []
    for number in range(count):
        text = b'%b%d,"user":"%b","body":"' % (head, number, random.choice(names))
        room = max(1, size - len(text) - 3)
        said = b" ".join(random.choices(words, k=room // 5 + 1))
        texts.append(b'%b%b"}]' % (text, said[:room].strip()))
    return texts


def flood_size(count: int, channels: int) -> int:
    """The bytes of a flood for who has not joined."""
    return sum(len(frame(text)) for text in flood_texts(count, channels, {}))
