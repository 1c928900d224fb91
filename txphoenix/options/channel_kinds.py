"""What the options know of channels: which classes are of them, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

from twisted.application.service import Service

__all__ = ["AnyChannel", "ChannelFactory", "is_made_as_usual"]

_C = TypeVar("_C", bound="AnyChannel")


class AnyChannel(Service):
    """A channel, where it does not matter what it does: :class:`txphoenix.Channel`.

    That is its one direct subclass, and all others are subclasses of that.
    """

    _usual_constructor: ClassVar[Callable[..., None]] = Service.__init__

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if AnyChannel in cls.__bases__:
            cls._usual_constructor = cls.__init__


def is_made_as_usual(cls: type[AnyChannel]) -> bool:
    """Whether a class is called as :class:`txphoenix.Channel`: it has no constructor.

    One that is mixed in counts as its own.
    """
    return cls.__init__ is cls._usual_constructor


ChannelFactory: TypeAlias = Callable[[str, Any, Any], _C]
"""Takes topic, params and ``client.channels``, and makes a channel of that topic.

Each class of channels is one.
"""
