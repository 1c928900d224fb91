"""What an installation without an extra has: all of the core, and a client that works.

::

    python -m txphoenix.test.installed

Every module of the core is imported, a client joins, pushes and stops, and each part
that lacks what its extra brings says so in one line.
``tox -e bare`` runs it with nothing but the requirements.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from twisted.internet.task import react

import txphoenix
from txphoenix.testing import ChatRoom, PhoenixServer

__all__ = ["EXTRAS", "core_modules", "fault_of", "main"]

EXTRAS: Final = {
    "console": ("cli.prompt", "prompt_toolkit"),
    "metrics": ("metrics", "prometheus_client"),
    "otel": ("otel", "opentelemetry"),
}
"""Each extra that a part of the package needs: that part, and a module it brings."""

# What runs as it is imported, and what is for tests alone.
_NOT_CORE: Final = ("__main__", "test", "testing.fixtures")


def core_modules() -> Iterator[str]:
    """The paths of all modules that need nothing but the requirements."""
    root = Path(txphoenix.__file__).parent
    parts = (part for part, _ in EXTRAS.values())
    skipped = tuple(f"txphoenix.{name}." for name in (*_NOT_CORE, *parts))
    for file in sorted(root.rglob("*.py")):
        names = file.relative_to(root.parent).with_suffix("").parts
        path = ".".join(name for name in names if name != "__init__")
        if not f"{path}.".startswith(skipped):
            yield path


def fault_of(extra: str) -> str | None:
    """What is wrong with how a part of the package says that its extra is missing.

    :return: None if nothing is: it says so in one line, or the extra is there.
    """
    part, module = EXTRAS[extra]
    path = f"txphoenix.{part}"
    if find_spec(path) is None:
        return f"{path} is missing"
    try:
        import_module(path)
    except (ImportError, txphoenix.ConfigurationError) as error:
        words = str(error)
        if "\n" in words or f"pip install 'txphoenix[{extra}]'" not in words:
            return f"{path} says: {words}"
        if module in sys.modules:
            return f"{path} says that it lacks what is there: {words}"
        return None
    if find_spec(module) is None:
        return f"{path} does without {module}, which its extra brings"
    return None


async def _talk(reactor: Any) -> None:
    """Join, push and stop, as the README's first program does."""
    server = await PhoenixServer({"rooms:*": ChatRoom}).start()
    client = txphoenix.SocketClient(server.url, params={"user_id": "ann"})
    client.startService()
    channel = client.channel("rooms:lobby")
    await channel.join()
    await channel.push("new_msg", {"body": "hello"})
    await client.stopService()
    await server.stop()
    left = reactor.getDelayedCalls()
    if left:
        raise RuntimeError(f"left behind: {left}")


def main() -> None:
    """Run all of it; the exit code is 1 if anything is wrong."""
    modules = list(core_modules())
    for path in modules:
        import_module(path)
    faults = [fault for fault in map(fault_of, EXTRAS) if fault is not None]
    if faults:
        sys.exit("\n".join(faults))
    sys.stdout.write(f"{len(modules)} modules of the core were imported\n")
    react(_talk)


if __name__ == "__main__":
    main()
