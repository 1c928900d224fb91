"""The dealer of the WAMP router in memory: registrations and calls.

It does as Crossbar 26.10.1's, whose ``router/dealer.py`` is the rule here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError
from twisted.internet.interfaces import IDelayedCall

from txphoenix.test.wamp_meta import MetaAPI
from txphoenix.test.wamp_observations import Observation, Observations
from txphoenix.test.wamp_peer import Peer
from txphoenix.test.wamp_realm import Realm


@dataclass(eq=False)
class Invocation:
    """A call that its callee has not answered yet."""

    number: int
    caller: Peer
    callee: Peer
    request: int
    procedure: str
    timeout: IDelayedCall | None = None
    is_canceled: bool = False


class Dealer:
    """Who has registered what, and which calls are under way."""

    def __init__(self, router: Realm) -> None:
        self._router = router
        self.registrations = Observations(router.new_id)
        self.invocations: dict[int, Invocation] = {}
        self.meta = MetaAPI(router)
        self.refusals = 0
        """How many of the next exact registrations are refused without a reason."""
        self._last_invocation = 0

    def register(self, session: Peer, request: message.Register) -> None:
        """Answer a REGISTER, and tell of it afterwards."""
        if self.refusals and request.invoke in (None, "single"):
            self.refusals -= 1
            session.refuse(request, ApplicationError.NOT_AUTHORIZED)
            return
        match, invoke = request.match or "exact", request.invoke or "single"
        one = self.registrations.find(request.procedure, match)
        if one is not None and not self._may_share(session, request, one):
            return
        is_first = one is None
        if one is None:
            one = self.registrations.create(request.procedure, match, invoke)
        is_new = session not in one.observers
        if is_new:
            one.observers.append(session)
        session.deliver(message.Registered(request.request, one.id))
        if not is_new:
            return
        found = one

        def tell() -> None:
            number = session.session_id
            if is_first:
                details = {**found.details(), "invoke": found.invoke}
                self._tell("on_create", number, details)
            self._tell("on_register", number, found.id)

        self._router.later(tell)

    def _may_share(
        self, session: Peer, request: message.Register, one: Observation
    ) -> bool:
        if one.invoke == "single":
            error = ApplicationError.PROCEDURE_ALREADY_EXISTS
            text = f"register for already registered procedure {request.procedure!r}"
        elif one.invoke != (request.invoke or "single"):
            error = ApplicationError.PROCEDURE_EXISTS_INVOCATION_POLICY_CONFLICT
            text = f"conflicting invocation policy for {request.procedure!r}"
        else:
            return True
        session.refuse(request, error, text)
        return False

    def unregister(self, session: Peer, request: message.Unregister) -> None:
        """Answer an UNREGISTER, and tell of it afterwards.

        Calls that are under way go on.
        """
        one = self.registrations.get(request.registration)
        if one is None or session not in one.observers:
            session.refuse(request, ApplicationError.NO_SUCH_REGISTRATION)
            return
        is_deleted = self.registrations.drop(session, one)
        session.deliver(message.Unregistered(request.request))
        found = one

        def tell() -> None:
            self._tell("on_unregister", session.session_id, found.id)
            if is_deleted:
                self._tell("on_delete", session.session_id, found.id)

        self._router.later(tell)

    def detach(self, session: Peer) -> None:
        """Forget a session that is gone, its calls and those that it had to answer."""
        for call in list(self.invocations.values()):
            if call.caller is session and call.callee is not session:
                self._forget(call)
                call.callee.deliver(message.Interrupt(call.number, "killnowait"))
            elif call.callee is session:
                self._forget(call)
                call.caller.deliver(
                    message.Error(
                        message.Call.MESSAGE_TYPE,
                        call.request,
                        ApplicationError.CANCELED,
                        ["callee disconnected from in-flight request"],
                    )
                )
        # As in the broker: one variable for all of them, and no ID any more.
        is_deleted = False
        dropped = self.registrations.of(session)
        self._router.shuffle(dropped)
        for one in dropped:
            is_deleted = self.registrations.drop(session, one)

        def tell(one: Observation) -> None:
            self._tell("on_unregister", session.session_id, one.id)
            if is_deleted:
                self._tell("on_delete", session.session_id, one.id)

        for one in dropped:
            self._router.later(partial(tell, one))

    def call(self, session: Peer, request: message.Call) -> None:
        """Hand a CALL to who has registered its procedure."""
        if request.procedure.startswith("wamp."):
            self.meta.call(session, request)
            return
        matching = self.registrations.matching(request.procedure)
        matching.sort(key=lambda one: (one.match != "exact", -len(one.uri)))
        if not matching:
            session.refuse(
                request,
                ApplicationError.NO_SUCH_PROCEDURE,
                f"no callee registered for procedure <{request.procedure}>",
            )
            return
        one = matching[0]
        self._last_invocation += 1
        call = Invocation(
            self._last_invocation,
            session,
            one.next_observer(),
            request.request,
            request.procedure,
        )
        self.invocations[call.number] = call
        if request.timeout:
            call.timeout = self._router.clock.callLater(
                request.timeout, self._time_out, call
            )
        call.callee.deliver(
            message.Invocation(
                call.number,
                one.id,
                args=request.args,
                kwargs=request.kwargs,
                timeout=request.timeout,
                receive_progress=request.receive_progress,
                procedure=None if one.match == "exact" else request.procedure,
            )
        )

    def _time_out(self, call: Invocation) -> None:
        self._forget(call)
        self._cancel_caller(call, "timeout reached")
        call.callee.deliver(message.Interrupt(call.number, "killnowait"))

    def _cancel_caller(self, call: Invocation, *args: str) -> None:
        call.caller.deliver(
            message.Error(
                message.Call.MESSAGE_TYPE,
                call.request,
                ApplicationError.CANCELED,
                list(args),
            )
        )

    def cancel(self, session: Peer, request: message.Cancel) -> None:
        """Cancel a call for its caller, who is told at once."""
        for call in self.invocations.values():
            is_it = call.caller is session and call.request == request.request
            if is_it and not call.is_canceled:
                call.is_canceled = True
                mode = request.mode or "killnowait"
                if mode != "skip":
                    call.callee.deliver(message.Interrupt(call.number, mode))
                    self._cancel_caller(call)
                return

    def answer(self, answer: message.Yield | message.Error) -> None:
        """Hand what a callee has answered to the caller."""
        call = self.invocations.get(answer.request)
        if call is None:
            return
        is_last = isinstance(answer, message.Error) or not answer.progress
        if not call.is_canceled:
            call.caller.deliver(_to_caller(call, answer))
        if is_last:
            self._forget(call)

    def _forget(self, call: Invocation) -> None:
        del self.invocations[call.number]
        if call.timeout is not None and call.timeout.active():
            call.timeout.cancel()

    def _tell(self, event: str, *args: object) -> None:
        self._router.broker.tell(f"wamp.registration.{event}", *args)


def _to_caller(
    call: Invocation, answer: message.Yield | message.Error
) -> message.Result | message.Error:
    if isinstance(answer, message.Error):
        return message.Error(
            message.Call.MESSAGE_TYPE,
            call.request,
            answer.error,
            args=answer.args,
            kwargs=answer.kwargs,
        )
    return message.Result(
        call.request, args=answer.args, kwargs=answer.kwargs, progress=answer.progress
    )
