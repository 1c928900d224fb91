"""Every line that a client can log: listed in the documentation, provoked by a test."""

from __future__ import annotations

import re
from typing import Any
from unittest import TestResult

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.deadlines import Deadlines, DelayedCall
from txphoenix.service.services import LoggedChannel
from txphoenix.transports.opening import TooLate
from txphoenix.transports.own_connector import _end_late

from .log_lines import Line, log_lines
from .support import TOPIC, ClientTestCase
from .test_howtos import DOCS, NOT_THERE

LISTED = {line for line in log_lines() if line.levels != {"debug"}}

# Which test provokes a line, by its class and its name; all of them are in memory.
PROVOKED = {
    "{channel!r} raised, and is stopped": "test_channel_set.EachTests.test_join",
    "{channel!r} cannot even be stopped": (
        "test_channel_set.EachTests.test_cannot_even_be_stopped"
    ),
    "{topic}: {event} was never sent: {reason}": (
        "test_channel_push.PushAsyncTests.test_left"
    ),
    "{topic}: {count} pushes without a reply were never sent, the first of them"
    " {event}: {reason}": "test_writers_outage.OutageTests.test_one_line",
    "{topic}: {limit} messages wait for receive(); the connection is paused until half"
    " of them are read (pause {count})": "test_channel_flow.FlowTests.test_reader",
    "{topic}: {why}; the oldest of more than {limit} are dropped (add a hook with"
    " on(), or call receive())": "test_channel_flow.FlowTests.test_no_reader",
    "{topic}: payload {count} that a decoder does not take: {reason}": (
        "test_decoders.ToldTests.test_log"
    ),
    "{topic}: its channel could not be made, and is tried again with the next"
    " connection": "test_join_channels.JoinChannelsTests.test_raises",
    "{topic}: no answer to the join within {timeout:g} s; the server may be at work on"
    " it, and is waited for": "test_channel_rejoin.FailedRejoinTests.test_timeout",
    "a heartbeat behind a join cannot be encoded": (
        "test_calling_back_channels.RaisingCodecTests.test_heartbeat_behind_a_join"
    ),
    "a heartbeat cannot be encoded": "test_serializer_faults.HeartbeatTests.test_beats",
    "{topic}: the server is not told of a leave": (
        "test_calling_back_channels.RaisingCodecTests.test_leave"
    ),
    "{client}: rejoin_backoff raised; joining again in 1 s": (
        "test_channels.BackoffTests.test_wrong"
    ),
    "{topic}: could not be joined, and is tried again: {reason}": (
        "test_channels.StartChannelTests.test_refused"
    ),
    "{topic}: a Presence was made after the join: it is empty until {event} comes": (
        "test_presence.PresenceTests.test_event_names"
    ),
    "{topic}: dropped a malformed presence (number {count}): {reason}": (
        "test_presence.PresenceTests.test_malformed_payloads"
    ),
    "{topic}: {event} has not come after {limit} of {diff}; the oldest are dropped": (
        "test_presence.PresenceTests.test_limit_of_held_diffs"
    ),
    "{topic}: could not be joined again, and is tried again: {reason}": (
        "test_channel_rejoin.FailedRejoinTests.test_log"
    ),
    "{topic}: {call} ended early: {reason}": (
        "test_channels_lives.EndTests.test_disconnect"
    ),
    "{topic}: {call} raised; {what_follows}": (
        "test_crash_log.CrashLogTests.test_stopped"
    ),
    "not everybody was told of the end of a connection": (
        "test_connection_events.LogTests.test_raises"
    ),
    "the connection is dropped: nobody was told that it is open": (
        "test_own_transport.FaithlessTests.test_attributes"
    ),
    "{client}: connected{to} in {took}": "test_outage_log.OutageTests.test_connected",
    "{client}: connected{again} after {took}; attempts: {attempts}": (
        "test_outage_log.OutageTests.test_short"
    ),
    "{client}: the connection is lost: {reason}{follows}": (
        "test_outage_log.OutageTests.test_short"
    ),
    "{client}: not connected: {reason}{follows}": (
        "test_outage_log.RefusalTests.test_at_start"
    ),
    "{client}: rejoined {joined} of {channels} channels, {took} after the"
    " connection{others}": "test_outage_log.RejoinTests.test_thousand",
    "{client}: the outage is over after {took}; attempts: {attempts}{rejoined}": (
        "test_outage_log.OutageTests.test_short"
    ),
    "{client}: the connection is steady again: it has lasted for {lasted}, after"
    " coming and going for {took}; losses: {losses}, attempts: {attempts}": (
        "test_outage_log.FlappingTests.test_flapping"
    ),
    "{client}: the connection comes and goes since {since} ({took}), and is {now};"
    " losses: {losses}, attempts: {attempts}, the latest: {reason}": (
        "test_outage_log.FlappingTests.test_before_the_rejoin"
    ),
    "{client}: no connection since {since} ({took}); attempts: {attempts}, the latest:"
    " {reason}": "test_outage_log.OutageTests.test_at_start",
    "{client}: the outage since {since} ({took}) is not over: connected, but {missing}"
    " of {channels} channels have had no answer to a rejoin": (
        "test_outage_log.RejoinTests.test_slow"
    ),
    "the transport raised; it is taken for lost": (
        "test_link.RaisingTests.test_at_its_end"
    ),
    "{client}: should_reconnect raised; trying again": (
        "test_connection.DecisionTests.test_should_reconnect_raises"
    ),
    "{client}: backoff raised; the default delay is used": (
        "test_connection.DelayTests.test_wrong_backoff"
    ),
    "the transport raised; it is not asked any more": (
        "test_own_connector.TransportTests.test_signs_of_life"
    ),
    "{client}: frame {count} dropped: {reason}": (
        "test_connection_events.OrderTests.test_frame_dropped"
    ),
    "{topic}: {event} was never sent{more}: {reason}": (
        "test_stop.DisconnectTests.test_handshaking"
    ),
    "the transport raised": "test_withdrawal.WithdrawalTests.test_raising",
    "{function!r} raised": "test_log_lines.RareTests.test_very_late",
    "{deadline!r} raised": "test_deadlines.DeadlinesTests.test_one_that_raises",
    "{whose}hook {callback}{what} ended early: {reason}": (
        "test_hook_log.HookLogTests.test_ended_early"
    ),
    "{whose}hook {callback}{what} raised": "test_hook_log.HookLogTests.test_client",
    "the canceller of {deferred!r} raised": (
        "test_opening.StubbornTests.test_disconnect"
    ),
    "nothing has happened for {seconds:.0f} s": (
        "test_outage_log.OutageTests.test_woken"
    ),
    "{sleeper!r} raised": "test_wake_ups.ClockTests.test_raises",
    "{topic}: joined": "test_log_lines.RareTests.test_logged",
    "{topic}: {event} {shown}": "test_log_lines.RareTests.test_logged",
    "{topic}: closed: {reason}": "test_log_lines.RareTests.test_logged",
    "the telemetry handler {handler_id!r} raised at {event_name}; it is detached": (
        "test_telemetry.ExecuteTests.test_handler_raises"
    ),
    "the tracer {tracer!r} raised; it is detached": (
        "test_tracing.TracerTests.test_raises"
    ),
    "what follows an attempt to connect raised": (
        "test_log_lines.RareTests.test_attempt"
    ),
    "{client}: there is long-poll, but no WebSocket: {reason}": (
        "test_idle.IdleTests.test_fallback"
    ),
    "long-poll raised; its session ends": "test_log_lines.RareTests.test_longpoll",
    "a transport that came too late raised": "test_log_lines.RareTests.test_too_late",
    "the connector raised": "test_own_connector.AttemptTests.test_disconnect",
    "{client}: disconnected, as there was no channel for {seconds:g} s; a join connects"
    " again": "test_idleness.CountTests.test_from_the_opening",
    "{client}: an attempt at once was asked for too often, and waits for its time:"
    " {most} at once, then one each {seconds:g} s": (
        "test_log_levels.HurryTests.test_told"
    ),
    "the option tls raised": "test_tls_creator.GuardedTLSTests.test_direct",
    "{client}: messages that had not left when the connection ended: {count}": (
        "test_channel_init.CutInitTests.test_begun_anew"
    ),
    "{protocol!r} raised; the connection ends": (
        "test_calling_back_channels.RaisingCodecTests.test_fallback"
    ),
    "{client}: compression is not offered any more, as the server's answer to the offer"
    " has failed the handshake: {reason}": (
        "test_websocket.RefusalTests.test_compression_that_was_not_offered"
    ),
    "{client}: the access token was not renewed: {reason}": (
        "test_supabase_tokens.TokenTests.test_renewal_fails"
    ),
    "{topic}: left: {fault}": (
        "test_supabase_client.SubscribeTests.test_mismatch_at_rejoin"
    ),
    "metrics are served at {where}": "test_log_integrations.MetricsTests.test_served",
    "metrics cannot be served at {where}: {reason}": (
        "test_log_integrations.MetricsTests.test_not_served"
    ),
    "the metrics cannot be collected": (
        "test_log_integrations.MetricsTests.test_collector"
    ),
    "the function that makes labels of topics raised; such topics are {other!r}, and"
    " this is not logged again": "test_metrics_labels.TopicTests.test_function_raises",
    "{name}: {error}": "test_absinthe_errors.DataTests.test_hooks",
    "{name}: the subscription has ended: {error}": (
        "test_absinthe_errors.SubscribeTests.test_refused_unheard"
    ),
    "{topic}: data came for a subscription that nobody has; the server is told to end"
    " it": "test_absinthe_errors.SubscribeTests.test_id_never_comes",
    "{topic}: more than {limit} messages came before the reply with their"
    " subscriptionId; the oldest are dropped": (
        "test_absinthe_errors.DataTests.test_too_early"
    ),
    "bridge of {prefix} in realm {realm}, session {session}": (
        "test_wamp_session.BridgeTests.test_events"
    ),
    "the bridge does not start: {reason}": (
        "test_wamp_session_life.StartTests.test_configuration"
    ),
    "{topic}: the bridge cannot join it, and tries again: {reason}": (
        "test_wamp_topics.TakeTests.test_refused"
    ),
    "{topic}: {event} was not published: {reason}; those that follow are told to"
    " subscribers alone, by {told}": (
        "test_wamp_publisher.RouterTests.test_not_serializable"
    ),
    "{topic}: the router refuses to publish {uri}: {reason}": (
        "test_wamp_publisher.RouterTests.test_not_authorized"
    ),
    "a call of the bridge raised": "test_wamp_session.BridgeTests.test_broken",
    "a part of the fleet raised, and is tried again": (
        "test_wamp_repeating.RepeatingTests.test_bug"
    ),
    "a part of the fleet raised, and is at rest": (
        "test_log_integrations.FleetTests.test_backoff"
    ),
    "{topic}: the bridge could not leave it": (
        "test_log_integrations.BridgeTests.test_leave"
    ),
    "{topic}: publishing raised": "test_log_integrations.PublisherTests.test_catch_up",
}


class ProvokedTests(SynchronousTestCase):
    """A test for each line."""

    def test_all(self) -> None:
        """Each line of the source is in the table, and no other."""
        self.assertEqual({line.text for line in LISTED}, set(PROVOKED))

    def test_each(self) -> None:
        """The test that is named provokes it, at a level that the source has."""
        for name in sorted(set(PROVOKED.values())):
            with self.subTest(test=name):
                told = self.told_in(f"txphoenix.test.{name}")
                if told is None:
                    # An extra is missing, without which there is no such line.
                    continue
                for text in [each for each, by in PROVOKED.items() if by == name]:
                    levels = {it.levels for it in LISTED if it.text == text}
                    self.assertIn(text, told)
                    self.assertLessEqual(
                        told[text], frozenset[str]().union(*levels) | {"debug"}
                    )

    def told_in(self, name: str) -> dict[str, set[str]] | None:
        """What a test has logged: the texts, each with its levels.

        None if it was skipped.
        """
        result = TestResult()
        with capturedLogs() as captured:
            TestLoader().loadByName(name).run(result)
        self.assertEqual((result.errors, result.failures), ([], []))
        self.assertEqual(result.testsRun, 1)
        if result.skipped:
            return None
        told: dict[str, set[str]] = {}
        for event in captured:
            told.setdefault(event.get("log_format") or "", set()).add(
                event["log_level"].name
            )
        return told


class RareTests(ClientTestCase):
    """Faults that no other test has a reason to make."""

    def test_very_late(self) -> None:
        """Who is told of a deadline that is very late raises."""
        clock = Clock()
        deadlines = Deadlines(clock)

        def raises(_seconds: float) -> None:
            raise ZeroDivisionError

        deadlines.very_late = raises
        DelayedCall(deadlines, 1.0, lambda: None)
        clock.advance(100)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_attempt(self) -> None:
        """What follows an attempt raises, and the attempt fails."""
        client = self.connecting_client()
        connector: Any = client.connection._factory.connector
        connector._broken(Failure(ZeroDivisionError()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(client.status, "disconnected")

    def test_longpoll(self) -> None:
        """A callback of long-poll raises, and the session ends."""
        client = self.connected_client(transport="longpoll")
        transport: Any = client.connection.link.transport
        transport._broken(Failure(ZeroDivisionError()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertFalse(client.connected)

    def test_logged(self) -> None:
        """A channel of ``twistd txphoenix`` joins, has a message, and ends."""
        channel = self.joined_channel(channel_class=LoggedChannel)
        self.server_sends(None, None, TOPIC, "new_msg", {"body": "hi"})
        channel.stop()

    def test_too_late(self) -> None:
        """A transport that nobody waits for any more cannot be ended."""

        class Faithless:
            def abort(self) -> None:
                raise ZeroDivisionError

            abortConnection = abort

        late = TooLate()
        late.transport = Faithless()  # type: ignore[assignment]
        late.connectionMade()
        transport: Any = Faithless()
        _end_late(transport)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


class DocumentedTests(SynchronousTestCase):
    """The tables in ``docs/howto-logging.rst``."""

    skip = NOT_THERE

    def test_tables(self) -> None:
        """They have each line, with its levels, and no other."""
        page = (DOCS / "howto-logging.rst").read_text("utf-8")
        rows = re.findall(r"^   \* - (\w.*)\n     - ``(.*)``\n     - (.+)$", page, re.M)
        listed: dict[str, set[str]] = {}
        for levels, text, meaning in rows:
            self.assertNotIn(text, listed)
            self.assertTrue(meaning)
            listed[text] = set(levels.split(", "))
        expected: dict[str, set[str]] = {}
        for line in LISTED:
            expected.setdefault(line.text, set()).update(line.levels - {"debug"})
        self.assertEqual(listed, expected)


class SourceTests(SynchronousTestCase):
    """Reading the lines out of the source."""

    def test_found(self) -> None:
        """A line is found however its text is given, with all of its levels."""
        lines = {line.text: line for line in log_lines()}
        self.assertEqual(
            lines["{client}: not connected: {reason}{follows}"],
            Line(
                "{client}: not connected: {reason}{follows}",
                frozenset({"warn", "error"}),
                "client/connection_log.py",
            ),
        )
        self.assertEqual(
            lines["{topic}: {call} raised; {what_follows}"].levels, {"error"}
        )
        self.assertEqual(lines["{deadline!r} raised"].levels, {"critical"})
        for line in lines.values():
            for level in line.levels:
                self.assertIn(level, [it.name for it in LogLevel.iterconstants()])
