"""The connector of long-poll: asks the server for a session.

What the session is then, is in :mod:`txphoenix.transports.longpoll`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..errors import ConnectionClosed, HandshakeRefused
from ..options.options import Options
from ..protocol.cookie_jar import bounded_jar
from ..protocol.handshake import Handshake
from ..protocol.url import Target, add_params, connect_target
from .attempt import prepare
from .attempt_factory import AttemptFactory
from .connector import EndpointConnector
from .cookies import ServerCookies
from .endpoints import client_endpoint
from .http import HTTPSession
from .http_body import AnswerTooLarge, MalformedAnswer
from .http_head import Answer
from .http_requests import HTTPRequests
from .longpoll import LongPollTransport
from .longpoll_answers import answer_limit, session_token
from .longpoll_pace import Pace, Window
from .longpoll_requests import (
    headers_of,
    name_session,
    poll_headers_of,
    secrets_of,
    url_of,
)
from .redirects import Redirects
from .tuned import TunedEndpoint

__all__ = ["LongPollConnector"]


class LongPollConnector(EndpointConnector):
    """Opens a session of long-poll.

    One attempt is: ask for url, params, headers and token; ask the server for a
    session.
    """

    first_answer = "the answer to the first request"
    schemes = ("http", "https")
    protocol: Any

    def __init__(
        self, reactor: IReactorTime, factory: AttemptFactory, options: Options
    ) -> None:
        super().__init__(reactor, factory, options)
        self._window = Window()
        # As long as an attempt is under way.
        self._http: HTTPRequests | None = None

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next session on where they concern it."""
        self.options = options
        if self.protocol is not None:
            self.protocol.reset_options(options)

    def _opened(self) -> Any:
        return None if self._http is None else self._http.connection

    def _open_at_once(self) -> None:
        """There is always something to wait for."""

    async def _open(self) -> Any:
        options = self.options
        attempt = await prepare(options, self.check_wanted)
        target = connect_target(
            attempt.url,
            transport="longpoll",
            params=attempt.params,
            vsn=options.vsn,
            exact=options.exact_url,
        )
        self.redirects = redirects = Redirects(options, target, attempt)
        while True:
            try:
                return await self._open_session(redirects)
            except HandshakeRefused as refused:
                # Its frames hold the headers and the URL.
                refused.__traceback__ = None
                self.check_wanted()
                error = redirects.follow(refused)
                if error is not None:
                    raise error from error.__cause__

    async def _open_session(self, redirects: Redirects) -> Any:
        """Ask one server for a session.

        :raises HandshakeRefused: it gives none, or says that another may.
        """
        options = self.options
        target, attempt = redirects.target, redirects.attempt
        jar = redirects.jar(options.cookies)
        pace = Pace(self._reactor, self._window)
        cookies = ServerCookies(bounded_jar() if jar is None else jar, target)
        http = self._requests(target, pace, cookies)
        url, headers = url_of(target), headers_of(target, attempt)
        poll_headers = poll_headers_of(headers, attempt)
        try:
            answer = await self._ask(http, url, poll_headers)
            token = session_token(answer, secrets_of(target, poll_headers, cookies))
            if options.longpoll_token_header:
                name_session(headers, token)
                name_session(poll_headers, token)
            else:
                url = add_params(url, {"token": token})
        except GeneratorExit:
            # It was forgotten, and its reactor as well: there is nothing to wait for.
            raise
        except BaseException:
            await http.close()
            raise
        return LongPollTransport(
            self._reactor,
            self._factory.connection,
            http,
            url,
            headers,
            poll_headers,
            options,
            pace,
            self._lost,
            Handshake("longpoll", answer.code, head=answer.head),
        )

    def _requests(
        self, target: Target, pace: Pace, cookies: ServerCookies
    ) -> HTTPRequests:
        """What makes the requests to a server."""
        options = self.options
        self._aim(target)
        endpoint = TunedEndpoint(
            client_endpoint(
                self._reactor,
                target,
                options,
                self._factory.addresses,
                self._tls_sessions,
            ),
            options.keepalive,
        )
        self.check_wanted()
        self._factory.addresses.attempt_begins()
        http: HTTPRequests = _session_class(options)(
            self._reactor,
            endpoint,
            timeout=pace.longest(options.heartbeat_interval, options.heartbeat_timeout),
            limit=answer_limit(options),
            cookies=cookies,
        )
        return http

    async def _ask(self, http: HTTPRequests, url: str, headers: Headers) -> Answer:
        """Ask for a session.

        :raises HandshakeRefused: the answer cannot be understood.
        """
        self._http = http
        try:
            return await http.request("GET", url, headers)
        except (AnswerTooLarge, MalformedAnswer) as error:
            raise HandshakeRefused(None, {}, str(error)) from None
        finally:
            self._http = None

    def _connected(self, transport: Any) -> None:
        self.protocol = transport
        super()._connected(transport)
        self.protocol_opened()
        self._factory.connection.transport_opened(transport)
        transport.start()

    def _lost(self, reason: ConnectionClosed) -> None:
        self.protocol_lost()
        self._factory.clientConnectionLost(self, Failure(reason))


def _session_class(options: Options) -> Any:
    """What makes the requests; an instance is :class:`.HTTPRequests`."""
    if options.fast_http:
        return HTTPSession
    # It takes a moment to load, and some memory, which others need not have.
    from .treq_session import TreqSession

    return TreqSession
