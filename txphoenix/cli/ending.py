"""How a console ends, whichever it is."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["Ending"]


class Ending:
    """What ends once, whatever asks for it first.

    :ivar ended: a Deferred of None that fires when the user is done; it fails with the
        error if there will be no connection, or nobody reads what is printed.
    """

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def fail(self, failure: Failure | Exception) -> None:
        """End with an error."""
        if not self.ended.called:
            self.ended.errback(failure)

    def end(self) -> None:
        """End; what is left of the commands is not carried out."""
        if not self.ended.called:
            self.ended.callback(None)
