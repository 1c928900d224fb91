"""The bridge as a component of Autobahn's, which connects to a router by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobahn.twisted.component import Component
from autobahn.wamp.exception import ApplicationError

from .config import check_extra
from .session import CONFIGURATION_ERROR, BridgeSession

__all__ = ["bridge_component"]


def bridge_component(
    transports: Any, realm: str, extra: Mapping[str, Any], **options: Any
) -> Component:
    """Make a component of Autobahn's that is a bridge.

    It connects when it is started, alone or with others by
    :func:`autobahn.twisted.component.run`, and again whenever it loses the router,
    as the transports say::

        run([bridge_component("ws://127.0.0.1:8080/ws", "realm1", {"url": url})])

    :param transports: where the router is, as for Autobahn's ``Component``.
    :param realm: the realm to join.
    :param extra: what the bridge is told; see :class:`txphoenix.wamp.Settings`.
    :param options: further ones of ``Component``, such as ``authentication``.
    :raises ConfigurationError: ``extra`` is not what it must be.
    """
    check_extra(extra)
    is_fatal = options.pop("is_fatal", None)

    def is_hopeless(error: BaseException) -> bool:
        # A file may have gone since.
        return _is_of_configuration(error) or bool(is_fatal and is_fatal(error))

    return Component(
        transports=transports,
        realm=realm,
        extra=dict(extra),
        session_factory=options.pop("session_factory", BridgeSession),
        is_fatal=is_hopeless,
        **options,
    )


def _is_of_configuration(error: BaseException) -> bool:
    return isinstance(error, ApplicationError) and error.error == CONFIGURATION_ERROR
