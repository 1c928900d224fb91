"""A jar for cookies whose number is not the server's to decide."""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.request import Request

__all__ = ["bounded_jar"]

# As many as RFC 6265 section 6.1 asks for.
_MOST_COOKIES: Final = 50


def bounded_jar() -> CookieJar:
    """Make a jar that takes 50 cookies, and not one more however many are set."""
    policy = _BoundedPolicy(
        # None is for all of co.uk.
        strict_domain=True,
        # One without a domain is for its host alone (RFC 6265 section 5.3).
        strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain,
    )
    policy.jar = jar = CookieJar(policy)
    return jar


class _BoundedPolicy(DefaultCookiePolicy):
    jar: CookieJar

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        place = (cookie.domain, cookie.path, cookie.name)
        if len(self.jar) >= _MOST_COOKIES and place not in {
            (held.domain, held.path, held.name) for held in self.jar
        }:
            return False
        return super().set_ok(cookie, request)
