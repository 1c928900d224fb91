"""Tests of the comparison with Supabase's client, :mod:`interop.supabase`.

``python -m interop.supabase`` is in a clone and in a source distribution alone.
"""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.supabase.testing import (
    SupabaseV1Codec,
    SupabaseV2Codec,
    UserBroadcast,
)
from txphoenix.testing import Frame

from .clone import ROOT, clone_on_path

DOCS = ROOT / "docs"
NOT_THERE = None if (ROOT / "interop").is_dir() else "installed without interop"

if NOT_THERE is None:
    with clone_on_path():
        from interop.supabase.controls import controls
        from interop.supabase.decoding import decoded
        from interop.supabase.scenarios import SCENARIOS
        from interop.supabase.script import TOKENS, act, wait
        from interop.supabase.server import SupabaseInteropServer
        from interop.supabase.supabase_js import OFFICIAL


class FakeSession:
    """What is read of a session: its codec."""

    def __init__(self, codec: Any) -> None:
        self.codec = codec


class DecodingTests(SynchronousTestCase):
    """Frames as a trace shows them."""

    skip = NOT_THERE

    def read(self, data: bytes, is_sent: bool, codec: Any = None) -> Any:
        """The message of a frame."""
        session: Any = FakeSession(codec or SupabaseV2Codec())
        is_binary = data[:1] in (b"\x03", b"\x04")
        return decoded(Frame(is_sent, data, is_binary), session)

    def test_broadcasts(self) -> None:
        """Kinds 3 and 4 are shown alike: event, payload, and metadata if any."""
        pushed = b"\x03\x01\x01\x01\x01\x00\x01" + b"12te" + b'{"n":1}'
        sent = b"\x04\x01\x01\x0a\x01" + b"te" + b'{"id":"7"}' + b'{"n":1}'
        message = self.read(pushed, False)
        shown = {"event": "e", "payload": {"n": 1}}
        self.assertEqual(tuple(message), ("1", "2", "t", "broadcast", shown))
        shown = {**shown, "metadata": {"id": "7"}}
        self.assertEqual(
            tuple(self.read(sent, True)), (None, None, "t", "broadcast", shown)
        )
        raw, _ = SupabaseV2Codec().encode(
            message._replace(payload=UserBroadcast.of("e", b"\xff"))
        )
        self.assertEqual(self.read(raw, True).payload["payload"], b"\xff")

    def test_version_1(self) -> None:
        """An object of the server is read, too."""
        text = b'{"topic":"t","event":"e","ref":null,"payload":{"n":1}}'
        message = self.read(text, True, SupabaseV1Codec())
        self.assertEqual(tuple(message), (None, None, "t", "e", {"n": 1}))

    def test_names(self) -> None:
        """Tokens and times, which are others in each run, have names."""
        payload = {"a": [TOKENS["ann"], "x"], "commit_timestamp": "2026"}
        text = json.dumps([None, None, "t", "e", payload]).encode()
        self.assertEqual(
            self.read(text, True).payload,
            {"a": ["token of ann", "x"], "commit_timestamp": "now"},
        )


class ScriptTests(SynchronousTestCase):
    """The scenarios, and what they are told by."""

    skip = NOT_THERE

    def test_unknown_words(self) -> None:
        """An action or a wait that there is not is told at once."""
        self.assertRaises(ValueError, act, ("dance",))
        self.assertRaises(ValueError, wait, "rain")

    def test_names(self) -> None:
        """Each scenario has a name of its own, and its version in it and its steps."""
        names = [scenario.name for scenario in SCENARIOS]
        self.assertEqual(len(names), len(set(names)))
        for scenario in SCENARIOS:
            vsn = scenario.name.rpartition("-")[2]
            self.assertIn(vsn, ("1.0.0", "2.0.0"))
            connect = scenario.steps[0].words[0]
            self.assertEqual((connect[0], connect[2]), ("connect", vsn))

    def test_serve(self) -> None:
        """Whatever the scenarios want of the server there is."""
        server = SupabaseInteropServer(reactor=Clock())
        words = controls(server)
        for scenario in SCENARIOS:
            for step in scenario.steps:
                if step.kind in ("serve", "until"):
                    self.assertIn(step.words[step.kind == "until"], words)

    def test_denied(self) -> None:
        """What was denied nobody may do, and all else everybody may."""
        server = SupabaseInteropServer(reactor=Clock())
        controls(server)["deny"]("room", "broadcast.write")
        policy = server.tenant.settings.policy
        self.assertFalse(policy({}, "room", "broadcast.write"))
        self.assertTrue(policy({}, "room", "broadcast.read"))


class DocumentTests(SynchronousTestCase):
    """``docs/interop-supabase.rst`` says what is compared."""

    skip = NOT_THERE if DOCS.exists() else "installed without its documents"

    def setUp(self) -> None:
        """Read the page."""
        self.text = (DOCS / "interop-supabase.rst").read_text("utf-8")

    def test_release(self) -> None:
        """The page names the release that is installed."""
        release = OFFICIAL.packages.releases["@supabase/supabase-js"]
        self.assertIn(f"supabase-js {release}", self.text)

    def test_differences(self) -> None:
        """Each difference is there to the line, below its reason, and no other."""
        found = re.findall(
            r"^``(.+)``: (.+)\n\n\.\. code-block:: text\n\n((?:   .+\n)+)",
            self.text,
            re.M,
        )
        wanted = [
            (
                scenario.name,
                scenario.title,
                "".join(
                    f"   {client:<12} {line}\n"
                    for client, lines in zip(OFFICIAL.clients, unlike[1:], strict=True)
                    for line in lines
                ),
            )
            for scenario in SCENARIOS
            if (unlike := scenario.difference) is not None
        ]
        self.assertEqual(sorted(found), sorted(wanted))
        for scenario in SCENARIOS:
            if scenario.difference is not None:
                label = f".. _{scenario.difference.reason}:\n"
                section = self.text.split(label)[1].split("\n.. _")[0]
                self.assertIn(f"``{scenario.name}``: ", section)

    def test_scenarios(self) -> None:
        """Each scenario is in the page's table, by its name without the version."""
        listed = re.findall(r"^   \* \* ``(.+)``\n     \* (.+)$", self.text, re.M)
        told = {it.name.rpartition("-")[0]: it.title for it in SCENARIOS}
        self.assertEqual(dict(listed), told)
