"""Lines of strace tell which process belongs to the container, where it is, and what it runs."""

import pytest

from slimml.usage.recorders.strace_lines import Lines
from slimml.usage.recorders.strace_processes import Process, Processes

RUNTIME = ['1 execve("/usr/sbin/runc", [...], 0x7f /* 3 vars */) = 0']
PROGRAM = ['1 execve("/bin/sh", [...], 0x7f /* 3 vars */) = 0']


def after(*lines):
    """The process of the last line."""
    reader, processes = Lines(), Processes()
    return [processes.after(traced) for line in lines if (traced := reader.read(line)) is not None][-1]


def test_the_runtime_is_outside():
    assert not after(*RUNTIME, "1 close(3</x>) = 0").inside


@pytest.mark.parametrize("path", ["/proc/self/exe", "/proc/self/fd/6", "/usr/bin/crun"])
def test_a_runtime_that_executes_itself_stays_outside(path):
    assert not after(*RUNTIME, f'1 execve("{path}", [...], 0x7f /* 3 vars */) = 0').inside


def test_what_it_executes_then_is_the_program():
    assert after(*RUNTIME, *PROGRAM) == Process(inside=True, name="sh")


def test_a_program_that_is_not_there_changes_nothing():
    assert not after(*RUNTIME, '1 execve("/sbin/x", [...], 0x7f) = -1 ENOENT (No such file)').inside


def test_threads_of_the_runtime_are_outside():
    assert not after(*RUNTIME, "1 clone(flags=CLONE_VM) = 2", "2 close(3</x>) = 0").inside


def test_children_of_the_program_are_inside_and_where_it_is():
    cloned = "1 clone(flags=SIGCHLD) = 2 /* 9 in strace's PID NS */"
    found = after(*RUNTIME, *PROGRAM, '1 chdir("/srv") = 0', cloned, "9 close(3</x>) = 0")
    assert found == Process(inside=True, directory="srv", name="sh")


@pytest.mark.parametrize(("begin", "inside"), [(RUNTIME, False), ([*RUNTIME, *PROGRAM], True)])
def test_a_child_quicker_than_the_call_that_made_it_is_what_its_parent_is(begin, inside):
    assert after(*begin, "1 vfork( <unfinished ...>", "9 close(3</x>) = 0").inside is inside


@pytest.mark.parametrize(
    ("line", "directory"),
    [
        ('1 chdir("/etc/x") = 0', "etc/x"),
        ('1 chdir("sub") = 0', "srv/sub"),
        ('1 chdir("/nowhere") = -1 ENOENT (No such file or directory)', "srv"),
        ("1 fchdir(3</opt>) = 0", "opt"),
        ('1 openat(AT_FDCWD</run>, "x", O_RDONLY) = 3</run/x>', "run"),
    ],
)
def test_where_a_process_is_follows_from_its_calls(line, directory):
    assert after(*RUNTIME, *PROGRAM, '1 chdir("/srv") = 0', line).directory == directory
