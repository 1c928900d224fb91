"""What a join sends: a channel's own params, over those that all channels have.

::

    default_channel_params   {"token": "t", "lang": "en"}
    the channel's own                      {"lang": "de", "page": 2}
    what the join sends      {"token": "t", "lang": "de", "page": 2}

It is Elixir's ``Map.merge(default, params)``: one level deep, and the channel's own
value counts.
What is no mapping cannot be merged: the channel's own then takes the default's place,
and own params of None stand for the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..runtime.hooks import ask

__all__ = ["merge_params", "with_defaults"]


def merge_params(default: Any, own: Any) -> Any:
    """A channel's own params over the default ones; neither may be a callable.

    What is given is not changed.
    """
    if own is None:
        return default
    if isinstance(default, Mapping) and default and isinstance(own, Mapping):
        return {**default, **own}
    return own


def with_defaults(default: Any, own: Any) -> Any:
    """The params of a channel, for :attr:`txphoenix.Channel.params`.

    :param default: the client's ``default_channel_params``, or a callable of them.
    :param own: what is given for this channel, or a callable of it.
    :return: a callable if either is one: it asks them anew for each join.
    """
    if own is None or (not callable(default) and not default):
        # There is nothing to merge; a callable's answer of None says so itself.
        return default if own is None else own
    if not callable(own) and not isinstance(own, Mapping):
        return own
    if not callable(default) and not callable(own):
        return merge_params(default, own)

    # A function and no partial object, whose repr would show the params.
    async def params() -> Any:
        given = await ask(own) if callable(own) else own
        if given is not None and not isinstance(given, Mapping):
            return given
        return merge_params(await ask(default) if callable(default) else default, given)

    return params
