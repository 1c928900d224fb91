"""Rules between two options, which each option alone cannot check.

Each is a validator of :mod:`attrs`, called once all options are checked and set.
"""

from __future__ import annotations

from typing import Any

from attrs import Attribute

from ..errors import ConfigurationError

__all__ = ["no_fallback_of_one_path", "no_proxy_and_endpoint"]


def no_proxy_and_endpoint(made: Any, field: Attribute[Any], proxy: Any) -> None:
    """What is connected to is said once."""
    if made.endpoint is not None and proxy is not None:
        raise ConfigurationError("proxy must be None if endpoint is given")


def no_fallback_of_one_path(made: Any, field: Attribute[Any], seconds: Any) -> None:
    """Two transports have two paths."""
    if made.exact_url and seconds is not None:
        raise ConfigurationError(
            "longpoll_fallback must be None if exact_url is True: the path of one "
            "URL cannot be that of the WebSocket and that of long-poll"
        )
