"""What the options know of channels: which classes are of them, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

from twisted.application.service import Service

__all__ = ["AnyChannel", "ChannelFactory"]

_C = TypeVar("_C", bound="AnyChannel")


class AnyChannel(Service):
    """A channel, where it does not matter what it does: :class:`txphoenix.Channel`.

    :cvar is_made_as_usual: whether the class is called as :class:`txphoenix.Channel`
        is, since it has no constructor of its own.
    """

    is_made_as_usual: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        made_by = next(each for each in cls.__mro__ if "__init__" in vars(each))
        cls.is_made_as_usual = AnyChannel in made_by.__bases__


ChannelFactory: TypeAlias = Callable[[str, Any, Any], _C]
"""Takes topic, params and ``client.channels``, and makes a channel of that topic.

Each class of channels is one.
"""
