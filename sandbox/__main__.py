"""`python -m sandbox --socket PATH`: serve until SIGINT or SIGTERM."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.server import Sandbox

DEFAULT_PORT = 8420


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A loopback Discord.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket for the bot")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the page, 0 for any")
    parser.add_argument("--token", default="sandbox", help="the token that the bot has to show")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments.socket, arguments.port, arguments.token))
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - the one line of a failed start
        return os.EX_UNAVAILABLE
    return os.EX_OK


async def _serve(socket: Path, port: int, token: str) -> None:
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with Sandbox(socket=socket, port=port, token=token) as sandbox:
        print(f"sandbox ready {sandbox.url}", flush=True)  # noqa: T201 - the launcher waits for it
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
