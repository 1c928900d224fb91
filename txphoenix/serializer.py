"""The serializers of Phoenix's wire format, and the JSON codec under them.

The option ``vsn`` chooses one of the two; how their frames look is shown in
:doc:`/protocol`.
"""

from __future__ import annotations

from .protocol.serializer import (
    StandardJSON,
    V1Serializer,
    V2Serializer,
    default_json,
    register,
    serializer_for,
)

__all__ = [
    "StandardJSON",
    "V1Serializer",
    "V2Serializer",
    "default_json",
    "register",
    "serializer_for",
]
