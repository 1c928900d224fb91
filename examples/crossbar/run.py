"""A Phoenix server, a Crossbar node with two bridges, and a WAMP client.

``config.json`` beside this file is the node's configuration; it runs in a temporary
folder, as a node writes its key into its own.
It needs Crossbar: ``pip install 'txphoenix[crossbar]'``.

Run it::

    python examples/crossbar/run.py

You see::

    txphoenix serve on port 4000 ...
    crossbar start, with a router and two bridges ...
    the realm is at ws://127.0.0.1:8080/ws; here is client.py:
    subscribed to rooms:lobby
    heard in rooms:lobby: new_msg {'user_id': 'bridge-1', 'body': 'hello from WAMP'}
    pushed, and the server replied {}
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).parent
CROSSBAR = "import sys; from crossbar import run; sys.exit(run())"
STOPPING = 20.0


@contextlib.contextmanager
def program(*arguments, ready, **options):
    """Run Python with arguments, from its line with ``ready`` until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-u", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if ready in line:
                break
        else:
            sys.exit("".join(lines[-20:]) + "it has ended; this is what it said last")
        # What it says from now on has to go somewhere.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()


def refuse_taken(port, option):
    """End with one line if somebody has the port, which a node's log has not."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"port {port}: {error.strerror}; {option} takes another")


def main():
    """Start everything, show it, and end everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--router-port", type=int, default=8080)
    parser.add_argument("--phoenix-port", type=int, default=4000)
    parser.add_argument("--stay", action="store_true", help="go on until Ctrl-C")
    options = parser.parse_args()
    if importlib.util.find_spec("crossbar") is None:
        sys.exit("crossbar is not installed: pip install 'txphoenix[crossbar]'")
    refuse_taken(options.phoenix_port, "--phoenix-port")
    refuse_taken(options.router_port, "--router-port")
    text = (HERE / "config.json").read_text("utf-8")
    text = text.replace(":4000/", f":{options.phoenix_port}/")
    text = text.replace("8080", str(options.router_port))
    serve = ["-m", "txphoenix", "serve", "--port", str(options.phoenix_port)]
    url = f"ws://127.0.0.1:{options.router_port}/ws"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        Path(folder, "config.json").write_text(text, "utf-8")
        print(f"txphoenix serve on port {options.phoenix_port} ...", flush=True)
        stack.enter_context(program(*serve, ready="ws://"))
        print("crossbar start, with a router and two bridges ...", flush=True)
        start = ["-c", CROSSBAR, "start", "--cbdir", folder]
        node = stack.enter_context(program(*start, ready="NODE_BOOT_COMPLETE"))
        print(f"the realm is at {url}; here is client.py:", flush=True)
        client = [sys.executable, str(HERE / "client.py"), url]
        code = subprocess.run(client, check=False).returncode
        if options.stay:
            print("Ctrl-C ends it", flush=True)
            node.wait()
    return code


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
