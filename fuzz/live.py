"""Mutations of recorded frames through a whole client: ``python -m fuzz.live --help``.

It needs no atheris: what is done is in :mod:`txphoenix.test.mutated_life`.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time

from twisted.logger import globalLogBeginner

from txphoenix.test.mutated_life import MutatedLife, Wrong

VARIANTS = {"plain": False, "compressed": True}
"""Whether the connection is compressed."""

_EVERY = 10.0
_STEP = 500
# What a process may take more at the end than after a fifth of the mutations, in MiB.
# The allocator's holes are some of it; 300 bytes left of each mutation are more.
MOST_GROWTH = 20.0


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz.live",
        description="Send what servers have sent, made worse by a seed, to a client "
        "that lives on, and hold it to RFC 6455. Exit status 1 if it does wrong.",
    )
    parser.add_argument(
        "--mutations",
        type=int,
        default=100_000,
        help="for each variant (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--variant",
        choices=VARIANTS,
        help="one of them, in this process (default: each, side by side)",
    )
    return parser


def memory() -> float | None:
    """How much this process has in memory, in MiB, where the system tells."""
    gc.collect()
    try:
        with open("/proc/self/statm", encoding="ascii") as numbers:
            pages = int(numbers.read().split()[1])
    except OSError:
        return None
    import resource

    return pages * resource.getpagesize() / 1024 / 1024


def live(variant: str, seed: int, mutations: int) -> int:
    """Live through them; return the exit status."""
    # Until logging begins Twisted keeps thousands of events for whoever comes.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    life = MutatedLife(seed, VARIANTS[variant])
    life.start()
    began = told = time.monotonic()
    before: float | None = None
    try:
        while life.mutations < mutations:
            life.run(min(_STEP, mutations - life.mutations))
            # A dead connection is a circle, with all that it had inflated.
            gc.collect()
            if before is None and life.mutations * 5 >= mutations:
                before = memory()
            if time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                print(
                    f"{told - began:4.0f} s: {variant} {life.mutations:,}",
                    file=sys.stderr,
                    flush=True,
                )
        life.stop()
    except Wrong as wrong:
        print(f"{variant}: at mutation {life.mutations}: {wrong}")
        print(
            f"  again: python -m fuzz.live --variant {variant} --seed {seed}"
            f" --mutations {life.mutations}"
        )
        return 1
    after = memory()
    growth = 0.0 if before is None or after is None else after - before
    deaths = ", ".join(f"{code}: {life.deaths[code]:,}" for code in sorted(life.deaths))
    print(
        f"{variant}: {life.mutations:,} mutations in {time.monotonic() - began:.0f} s,"
        f" {life.messages:,} messages, {life.dropped:,} of them none,"
        f" {sum(life.deaths.values()):,} ends ({deaths}); memory {after or 0:.0f} MiB,"
        f" {growth:+.1f} MiB in the last four fifths",
        flush=True,
    )
    if growth > MOST_GROWTH:
        print(f"{variant}: that is more than {MOST_GROWTH:g} MiB")
        return 1
    return 0


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = arguments().parse_args()
    if options.variant is not None:
        return live(options.variant, options.seed, options.mutations)
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "fuzz.live", "--variant", variant),
                *("--seed", str(options.seed)),
                *("--mutations", str(options.mutations)),
            ]
        )
        for variant in VARIANTS
    ]
    return max(process.wait() != 0 for process in processes)


if __name__ == "__main__":
    sys.exit(main())
