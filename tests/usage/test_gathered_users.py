"""Users of programs are those of all of them, or said to be unknown."""

import os
import subprocess
import sys

from slimml.usage.recorders.gathered import Gathered


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_user_of_a_living_program_is_told():
    gathered = Gathered()
    gathered.process(os.getpid(), executes=True)
    assert gathered.told()["users"] == [os.geteuid()]


def test_a_program_that_ended_unseen_leaves_users_unknown():
    gathered = Gathered()
    gathered.process(os.getpid(), executes=True)
    gathered.process(ended_process(), executes=True)
    assert gathered.told()["users"] == []


def test_who_only_forked_runs_as_its_parent():
    gathered = Gathered()
    gathered.process(os.getpid())
    gathered.process(ended_process())
    assert gathered.told()["users"] == [os.geteuid()]
