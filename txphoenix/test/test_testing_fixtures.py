"""Tests of :mod:`txphoenix.testing.fixtures` and :mod:`txphoenix.testing.cases`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from twisted.trial.reporter import TestResult
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
import txphoenix.testing
from txphoenix.test.extra import needs
from txphoenix.testing import MemoryServer
from txphoenix.testing.cases import PhoenixMixin

CONFTEST = 'pytest_plugins = ["txphoenix.testing.fixtures"]'

TESTS = """
    import pytest
    import pytest_twisted
    from txphoenix.testing import ServerChannel

    servers = []

    @pytest_twisted.ensureDeferred
    async def test_server(phoenix_server):
        servers.append(phoenix_server)
        assert phoenix_server.url.startswith("ws://127.0.0.1:")
        assert set(phoenix_server.sockets["/socket"].channels) == {"rooms:*", "echo:*"}

    def test_stopped():
        assert not servers[0].running

    def test_memory(phoenix_memory_server):
        assert phoenix_memory_server.is_listening

    class TestOverridden:
        @pytest.fixture
        def phoenix_channels(self):
            return {"t": ServerChannel}

        @pytest.fixture
        def phoenix_options(self):
            return {"path": "/mine"}

        def test_memory(self, phoenix_memory_server):
            assert phoenix_memory_server.sockets["/mine"].channels == {
                "t": ServerChannel
            }
"""


class FixturesTests(SynchronousTestCase):
    """The fixtures, in a pytest of their own."""

    @needs("pytest", "pytest_twisted")
    def test_fixtures(self) -> None:
        """Servers run during a test and are stopped after it; both can be changed."""
        folder = Path(self.mktemp())
        folder.mkdir()
        # Its own configuration: not that of a project around it.
        (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
        (folder / "conftest.py").write_text(CONFTEST, "utf-8")
        (folder / "test_it.py").write_text(dedent(TESTS), "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        root = Path(txphoenix.__file__).parent.parent
        done = subprocess.run(
            [*command, f"--rootdir={folder.resolve()}", str(folder.resolve())],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertIn("4 passed", done.stdout, done.stdout + done.stderr)


class MixinTests(SynchronousTestCase):
    """The mixin for trial's test cases."""

    def test_memory_server(self) -> None:
        """A server in memory is stopped when the test has ended."""
        made: list[MemoryServer] = []

        class Inner(PhoenixMixin, SynchronousTestCase):
            def test_it(self) -> None:
                """Make a server."""
                made.append(self.phoenix_memory_server())
                made.append(self.phoenix_memory_server({}, path="/mine"))
                self.assertTrue(made[0].is_listening)

        result: Any = TestResult()
        Inner("test_it").run(result)
        self.assertTrue(result.wasSuccessful(), result.errors)
        self.assertEqual([server.is_listening for server in made], [False, False])
        self.assertEqual([server.path for server in made], ["/socket", "/mine"])
        # No channels are none, and not the demonstration's.
        self.assertEqual(
            [list(server.sockets[server.path].channels) for server in made],
            [["rooms:*", "echo:*"], []],
        )


class PublicNamesTests(SynchronousTestCase):
    """What ``txphoenix.testing`` offers."""

    def test_all(self) -> None:
        """Each name in ``__all__`` is there."""
        for name in txphoenix.testing.__all__:
            self.assertTrue(hasattr(txphoenix.testing, name), name)
