"""SIGTERM: the process ends in its time, whatever is under way."""

import signal
import subprocess
import sys
import threading
from contextlib import suppress

import httpx

from harness.running import HOST, ROOT, eventually, running

# A diagnosis of minutes, in one thread and then another; and a start that compiles, for as long.
LONG = "/diagnose?layers=" + ",".join(["4096"] * 60) + "&activation=relu"
BUSY_START = """
import service.web.app as app
def long_start():
    print("compiling", flush=True)
    while True: sum(range(10**5))
app.arithmetic_is_exact = long_start
from service.__main__ import main; main()
"""


def test_a_diagnosis_does_not_outlast_the_time_of_a_shutdown() -> None:
    with running(shutdown_seconds=0, diagnosis_bytes=2**40) as service:

        def ask() -> None:
            with suppress(httpx.TransportError):
                httpx.get(service.url + LONG, timeout=60)

        client = threading.Thread(target=ask)
        client.start()
        used = service.cpu_seconds()
        assert eventually(lambda: service.cpu_seconds() > used + 1)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=15) == 0
        client.join()


def test_a_service_that_is_still_starting_stops_when_told() -> None:
    command = [sys.executable, "-c", BUSY_START]
    settings = {"FANIN_HOST": HOST, "FANIN_PORT": "0"}
    with subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("compiling" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
