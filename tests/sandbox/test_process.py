"""The sandbox as a process of its own."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def start(socket: Path, port: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", "--socket", str(socket), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_in_order(socket: Path, number: signal.Signals):
    with start(socket) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox ready http://127.0.0.1:")
        assert socket.stat().st_mode & 0o777 == 0o600
        connection = http.client.HTTPConnection(line.split("/")[-1].strip(), timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/api/state")
            assert connection.getresponse().status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
        assert (process.returncode, out, err) == (0, "", "")
    assert not socket.exists()


def test_a_start_that_fails_is_one_line(socket: Path):
    with start(socket / "missing" / "s") as process:
        out, err = process.communicate(timeout=5)
        assert process.returncode == os.EX_UNAVAILABLE
        assert out == ""
        assert err.startswith("sandbox: ")
        assert err.count("\n") == 1
