"""The two ways in which requests of long-poll are made, for tests that hold for both.

::

    @by_treq_too
    class PollTests(LongPollTestCase):
        ...

is two classes, of which the second is ``PollByTreqTests``.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar, TypeVar

from txphoenix.transports.http import HTTPSession
from txphoenix.transports.treq_session import TreqSession

__all__ = ["HTTPWay", "by_treq_too"]

_C = TypeVar("_C", bound=type)


class HTTPWay:
    """Whatever makes requests in one of the ways."""

    fast_http: ClassVar[bool] = True
    """The option's value."""

    def http(self, reactor: Any, endpoint: Any, **options: Any) -> Any:
        """A session of HTTP; see :class:`txphoenix.transports.http.HTTPSession`."""
        made = HTTPSession if self.fast_http else TreqSession
        return made(reactor, endpoint, **options)


def by_treq_too(case: _C) -> _C:
    """Have the tests of a class run once more, with requests made by treq."""
    name = f"{case.__name__.removesuffix('Tests')}ByTreqTests"
    words = {"__module__": case.__module__, "__doc__": f"By treq: {case.__doc__}"}
    by_treq = type(case)(name, (case,), {"fast_http": False, **words})
    setattr(sys.modules[case.__module__], name, by_treq)
    return case
