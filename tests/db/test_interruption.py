from __future__ import annotations

import subprocess
import sys
import threading

from db.interruption import Interrupted, Interruption

PROFILED = """
import cProfile, threading
from db.interruption import Interrupted, Interruption

interruption = Interruption()
for _ in range(50):
    asking = threading.Thread(target=interruption.interrupt)
    try:
        interruption.run(asking.start)
    except Interrupted:
        pass
    asking.join()
with cProfile.Profile() as profile:
    sum(number for number in range(1000))
print("done")
"""


def test_a_profiler_can_look_at_a_process_that_has_interrupted():
    """An interruption that is taken back, not raised, would leave Python waiting for it: a profiled call never ends."""
    done = subprocess.run([sys.executable, "-c", PROFILED], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "done\n", done.stderr


def test_an_interruption_never_comes_out_later_than_the_function_it_was_meant_for():
    interruption, outcomes = Interruption(), set[str]()

    def worker() -> None:
        for _ in range(300):
            asking = threading.Thread(target=interruption.interrupt)
            try:
                interruption.run(asking.start)
                outcomes.add("returned")
            except Interrupted:
                outcomes.add("interrupted")
            asking.join()
            sum(range(2000))  # a stray one would be raised here, and end the thread

        outcomes.add("ended well")

    thread = threading.Thread(target=worker)
    thread.start()
    thread.join(timeout=20)
    assert "ended well" in outcomes
