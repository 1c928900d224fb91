"""Run the model by hand, for longer, and by another seed.

::

    python -m txphoenix.test.model                                   # as the tests do
    python -m txphoenix.test.model --examples 5000 --seed 7          # for longer
    python -m txphoenix.test.model --transport longpoll --steps 100

What it finds is printed as the steps that lead to it.
The same arguments lead to the same steps.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from twisted.logger import globalLogBeginner

import txphoenix

from .promises import Broken
from .running import STEPS, run
from .world import TRANSPORTS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :return: 0 if all promises were kept, 1 if not.
    """
    parser = argparse.ArgumentParser(
        prog="python -m txphoenix.test.model",
        description="hold a plain model of client and server beside the real ones",
    )
    parser.add_argument("--transport", choices=TRANSPORTS, help="one of them alone")
    parser.add_argument("--examples", type=int, help="how many, over each transport")
    parser.add_argument("--steps", type=int, default=STEPS, help="the most of each")
    parser.add_argument("--seed", type=int, help="by default all runs are alike")
    parser.add_argument(
        "--as-it-comes", action="store_true", help="do not shorten what fails"
    )
    given = parser.parse_args(arguments)
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    print(f"txphoenix: {txphoenix.__file__}", flush=True)
    for transport in [given.transport] if given.transport else TRANSPORTS:
        began = time.monotonic()
        try:
            run(
                transport,
                given.examples,
                given.steps,
                given.seed,
                not given.as_it_comes,
            )
        except Broken as broken:
            print(f"{transport}: broken: {broken}")
            print("\n".join(getattr(broken, "__notes__", ())))
            return 1
        seconds = time.monotonic() - began
        print(f"{transport}: all promises kept ({seconds:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
