"""Faults can be planted, each where it belongs, and the model finds one.

That it finds all of them is for ``tox -e planted``, which takes some minutes.
"""

from __future__ import annotations

import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

from .extra import needs
from .model import planted
from .model.faults import FAULTS, Fault
from .model.planted import CannotPlant, Finding, plant, seek
from .model.world import TRANSPORTS

PACKAGE = Path(txphoenix.__file__).parent
FOUND = PACKAGE.parent / "docs" / "planted.txt"


class PlantTests(SynchronousTestCase):
    """What is planted changes the library, or it is an error."""

    def copy_of(self, fault: Fault) -> Path:
        """A copy of the files that a fault changes."""
        package = Path(self.mktemp())
        for change in fault.changes():
            path = package / change.path
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PACKAGE / change.path, path)
        return package

    def test_each(self) -> None:
        """Each fault has its place, once, and what it leaves is Python."""
        self.assertGreater(len(FAULTS), 10)
        self.assertEqual({fault.transport for fault in FAULTS}, set(TRANSPORTS))
        self.assertEqual(len({fault.name for fault in FAULTS}), len(FAULTS))
        for fault in FAULTS:
            package = self.copy_of(fault)
            plant(fault, package)
            for change in fault.changes():
                text = (package / change.path).read_text("utf-8")
                self.assertNotEqual(text, (PACKAGE / change.path).read_text("utf-8"))
                compile(text, change.path, "exec")

    def test_not_there(self) -> None:
        """What is not there, or there twice, cannot be changed."""
        for line in ("it is nowhere", "        self.unset()"):
            fault = Fault("it", "websocket", f"channels/pending.py\n-{line}\n+pass")
            self.assertRaises(CannotPlant, plant, fault, self.copy_of(fault))

    def test_told(self) -> None:
        """The run of each is in the documents."""
        if not FOUND.exists():
            self.skipTest("the documents come with a clone alone")
        text = FOUND.read_text("utf-8")
        for fault in FAULTS:
            self.assertIn(f"\n{fault.name} ({fault.transport}, ", text)
        self.assertIn(f"{len(FAULTS)} of {len(FAULTS)} planted faults found", text)


class FindTests(SynchronousTestCase):
    """What the model has to say of a fault."""

    @needs("hypothesis")
    def test_found(self) -> None:
        """One is found in a process of its own, by the promise that it breaks."""
        [fault] = [it for it in FAULTS if "timer" in it.name]
        finding = seek(fault, fault.transport)
        self.assertEqual(finding.status, 1)
        self.assertIn("[NOTHING_LEFT]", finding.said)

    def run_main(self, *findings: Finding) -> int:
        """Run the command with what the model says, first without a fault."""
        told = dict(zip((*TRANSPORTS, *FAULTS), findings, strict=False))
        fine = Finding(0, "", 0.0)
        found = Finding(1, "[FIRES] it", 0.0)

        def say(fault: Fault | None, transport: str) -> Finding:
            if fault is None:
                return told.get(transport, fine)
            return told.get(fault, found)

        self.patch(planted, "seek", say)
        with redirect_stdout(StringIO()):
            return planted.main(["--jobs", "1"])

    def test_status(self) -> None:
        """It is an error if one is not found, or if something is found without one.

        What ends otherwise, such as by an error of its own, has not found anything.
        """
        fine, broken = Finding(0, "", 0.0), Finding(1, "[FIRES] it", 0.0)
        self.assertEqual(self.run_main(), 0)
        self.assertEqual(self.run_main(broken), 1)
        for other in (fine, Finding(1, "Traceback", 0.0), Finding(None, "", 0.0)):
            self.assertEqual(self.run_main(fine, fine, fine, other), 1)
