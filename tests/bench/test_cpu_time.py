"""Processor time of programs as the kernel counts it."""

import os
import resource
import subprocess
import sys

import pytest

from slimml.bench.cpu_time import cpu_seconds

BURN = "import time\nwhile time.process_time() < {0}: pass\n"


def told_when_done(program):
    """Seconds of a program that says so when its work is done, and then waits."""
    words = [sys.executable, "-c", f"{program}\nprint(flush=True)\ninput()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        found = cpu_seconds(process.pid)
        process.stdin.write("\n")
    return found


def test_a_program_is_counted_as_it_counts_itself():
    assert told_when_done(BURN.format(0.2)) == pytest.approx(0.2, abs=0.03)


def test_waiting_costs_nothing():
    assert told_when_done("import time; time.sleep(0.3)") < 0.2


def test_children_that_ended_are_counted():
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN.format(0.2)!r}])"

    assert told_when_done(child) > 0.2


def test_children_that_live_are_counted():
    burning = BURN.format(0.2) + "print(flush=True); input()"
    child = (
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {burning!r}], "
        "stdin=subprocess.PIPE, stdout=subprocess.PIPE); child.stdout.readline()"
    )

    assert told_when_done(child) > 0.2


def test_threads_that_ended_are_counted():
    thread = (
        "import threading, time\ndef burn():\n    while time.thread_time() < 0.2: pass\n"
        "one = threading.Thread(target=burn); one.start(); one.join()"
    )

    assert told_when_done(thread) > 0.2


def test_we_are_counted_as_the_kernel_tells_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)

    assert cpu_seconds(os.getpid()) >= usage.ru_utime + usage.ru_stime - 0.02


def test_a_process_that_is_gone_has_none():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert cpu_seconds(process.pid) is None
