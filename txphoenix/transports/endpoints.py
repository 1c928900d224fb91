"""Which endpoint reaches a server.

What only some servers are reached by, such as a proxy, is loaded when there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    clientFromString,
)
from twisted.internet.interfaces import (
    IReactorPluggableNameResolver,
    IStreamClientEndpoint,
)

from ..errors import ConfigurationError
from ..options.options import Options
from ..protocol.url import ProxyAddress, Target, parse_proxy
from .addresses import AnsweringAddresses, AnsweringEndpoint
from .direct import DirectEndpoint

if TYPE_CHECKING:
    from .tls_sessions import TLSSessions

__all__ = ["address_endpoint", "client_endpoint", "dialled", "is_direct"]


def client_endpoint(
    reactor: Any,
    target: Target,
    options: Options,
    addresses: AnsweringAddresses | None = None,
    sessions: TLSSessions | None = None,
) -> IStreamClientEndpoint:
    """Make the endpoint that reaches ``target``.

    A server's certificate is always verified, against the host name of the URL unless
    the option ``tls`` says otherwise: see :mod:`.tls`.

    :param target: where the URL points.
    :param options: the options ``endpoint``, ``proxy`` and ``tls`` count.
    :param addresses: which of a name's addresses have been mute; not asked without.
    :param sessions: where the client's TLS session is; none is resumed without.
    :raises ConfigurationError: the callable ``endpoint`` has returned something else,
        or there is no endpoint of its description, or no certificate can name the host,
        or the environment names no good proxy.
    """
    tls: Any = _tls_of(target, options, sessions)
    given = options.endpoint
    endpoint: IStreamClientEndpoint
    if callable(given):
        # It was handed tls, and may have its own way with it.
        from .named import NamedEndpoint, endpoint_name

        made = given(reactor, target.host, target.port, tls)
        if not IStreamClientEndpoint.providedBy(made):
            raise ConfigurationError(
                "endpoint must return an IStreamClientEndpoint,"
                f" not a value of type {type(made).__name__}"
            )
        return NamedEndpoint(made, endpoint_name(made))
    if given is not None:
        from .named import NamedEndpoint, endpoint_name

        endpoint = NamedEndpoint(
            _described_endpoint(reactor, given) if isinstance(given, str) else given,
            endpoint_name(given),
        )
    else:
        proxy = _proxy(target, options)
        if proxy is None:
            endpoint = _host_endpoint(reactor, target.host, target.port, addresses)
        else:
            endpoint = _proxy_endpoint(reactor, proxy, target, options, addresses)
    return endpoint if tls is None else _secured(tls, endpoint, options)


def address_endpoint(
    reactor: Any, target: Target, options: Options, sessions: TLSSessions | None = None
) -> IStreamClientEndpoint:
    """Make the endpoint that reaches a ``target`` for which :func:`is_direct` holds.

    Its connections are tuned.

    :param sessions: as for :func:`client_endpoint`.
    :raises ConfigurationError: no certificate can name the host.
    """
    tls = _tls_of(target, options, sessions)
    endpoint = DirectEndpoint(reactor, target.host, target.port, options.keepalive)
    return endpoint if tls is None else _secured(tls, endpoint, options)


def is_direct(target: Target, options: Options) -> bool:
    """Whether a server is connected to by its address."""
    return options.endpoint is None and options.proxy is None and target.is_address


def _tls_of(target: Target, options: Options, sessions: TLSSessions | None) -> Any:
    """What makes the TLS connections of a target; None if it wants none.

    :param sessions: as for :func:`client_endpoint`.
    """
    if not target.secure:
        return None
    from .client_tls import system_tls
    from .system_trust import trust_handed_to
    from .tls import verified
    from .tls_creator import guarded

    given = options.tls
    if given is not None:
        tls = verified(given)
    elif callable(options.endpoint):
        tls = system_tls(target.host, trust_handed_to(options.endpoint))
    else:
        tls = system_tls(target.host)
    if sessions is not None:
        tls = sessions.resuming(tls, given, target.host, target.port)
    return tls if given is None else guarded(tls)


def _secured(
    tls: Any, endpoint: IStreamClientEndpoint, options: Options
) -> IStreamClientEndpoint:
    from .fast_tls_endpoint import secured

    return secured(tls, endpoint, options.fast_tls)


def dialled(target: Target, options: Options) -> str:
    """Tell what an attempt to reach ``target`` connects to, in words.

    :raises ConfigurationError: the environment names no good proxy.
    """
    if callable(options.endpoint):
        return "the endpoint that the callable has made"
    if options.endpoint is not None:
        from .named import endpoint_name

        return endpoint_name(options.endpoint)
    proxy = _proxy(target, options)
    return f"{target.host}:{target.port}" if proxy is None else _proxy_name(proxy)


def _proxy_name(proxy: ProxyAddress) -> str:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"the proxy {host}:{proxy.port}"


def _proxy(target: Target, options: Options) -> ProxyAddress | None:
    if options.proxy == "environment":
        from .proxy_environment import environment_proxy

        return environment_proxy(target)
    return None if options.proxy is None else parse_proxy(options.proxy)


def _proxy_endpoint(
    reactor: Any,
    proxy: ProxyAddress,
    target: Target,
    options: Options,
    addresses: AnsweringAddresses | None,
) -> IStreamClientEndpoint:
    from .client_tls import system_tls
    from .named import NamedEndpoint
    from .proxy import HTTPConnectEndpoint

    name = _proxy_name(proxy)
    endpoint = _host_endpoint(reactor, proxy.host, proxy.port, addresses)
    if proxy.secure:
        tls = system_tls(proxy.host)
        endpoint = _secured(tls, endpoint, options)
    return HTTPConnectEndpoint(
        NamedEndpoint(endpoint, name),
        target.host,
        target.port,
        proxy.authorization,
        name,
    )


def _described_endpoint(reactor: Any, description: str) -> IStreamClientEndpoint:
    try:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, description)
    except Exception as error:
        # Which errors these are is up to each kind, and to plugins.
        raise ConfigurationError(
            f"endpoint is a description of no endpoint: {error}"
        ) from error
    return endpoint


def _host_endpoint(
    reactor: Any, host: str, port: int, addresses: AnsweringAddresses | None
) -> IStreamClientEndpoint:
    # A name is looked up in a thread, and its addresses are raced against each other.
    # An address needs neither.
    if isIPAddress(host):
        return TCP4ClientEndpoint(reactor, host, port)
    if isIPv6Address(host):
        return TCP6ClientEndpoint(reactor, host, port)

    def by_name(reactor: Any) -> IStreamClientEndpoint:
        return _NameEndpoint(reactor, host, port)

    if addresses is None or not IReactorPluggableNameResolver.providedBy(reactor):
        return by_name(reactor)
    # What is mute at one port may serve another.
    return AnsweringEndpoint(f"{host}:{port}", addresses, by_name, reactor)


class _NameEndpoint(HostnameEndpoint):
    """Looks up any name that DNS can hold.

    Twisted's own refuses what is no name of IDNA 2008, such as ``my_service``.
    Where that should move, such names fail as they do there.
    """

    @staticmethod
    def _hostAsBytesAndText(host: bytes | str) -> tuple[bool, bytes, str]:
        # It is in ASCII, as txphoenix.protocol.host makes it.
        name = host if isinstance(host, str) else host.decode("ascii")
        return False, name.encode("ascii"), name
