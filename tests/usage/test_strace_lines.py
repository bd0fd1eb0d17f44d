"""Lines of strace 6 as it writes them, and what they say."""

import pytest

from slimml.usage.recorders.path_calls import EXEC, OPEN, READLINK, STAT, WRITE
from slimml.usage.recorders.strace_lines import Lines


def read(*lines, directory="cwd"):
    reader = Lines()
    found = [traced for line in lines if (traced := reader.read(line)) is not None][-1]
    return found.name, found.operations, list(found.absolute(directory))


@pytest.mark.parametrize(
    ("line", "operations", "paths"),
    [
        ('7 openat(AT_FDCWD</app>, "x.py", O_RDONLY|O_CLOEXEC) = 3</app/x.py>', OPEN, ["app/x.py"]),
        ('7 openat(3</a, b>, "c", O_RDWR|O_CREAT, 0644) = 4</a, b/c>', OPEN | WRITE, ["a, b/c"]),
        ('7 openat(AT_FDCWD</app>, "/etc/x", O_RDONLY) = -1 ENOENT (No such file or directory)', OPEN, ["etc/x"]),
        ('7 openat(AT_FDCWD</>, "x", O_RDONLY|O_PATH) = 3</x>', STAT, ["x"]),
        ('7 openat2(AT_FDCWD</>, "x", {flags=O_WRONLY, resolve=0}, 24) = 3</x>', OPEN | WRITE, ["x"]),
        ('7 openat(AT_FDCWD</>, "caf\\303\\251 \\"q\\"", O_RDONLY) = 3</c>', OPEN, ['café "q"']),
        ('7 openat(AT_FDCWD</>, "bad\\351", O_RDONLY) = 3</b>', OPEN, ["bad\udce9"]),
        ('7 open("x", O_RDONLY) = 3</x>', OPEN, ["cwd/x"]),
        ('7 execve("/bin/sh", [...], 0x7ffc6f7f23e0 /* 35 vars */) = 0', OPEN | EXEC, ["bin/sh"]),
        ('7 newfstatat(AT_FDCWD</app>, "y", {st_mode=S_IFREG|0644, ...}, 0) = 0', STAT, ["app/y"]),
        ('7 newfstatat(3</app/y>, "", {st_mode=S_IFREG|0644, ...}, AT_EMPTY_PATH) = 0', STAT, []),
        ('7 access(NULL, R_OK) = -1 EFAULT (Bad address)', STAT, []),
        ('7 readlink("/proc/self/exe", "..."..., 4096) = 18', READLINK, ["proc/self/exe"]),
        ('7 renameat2(AT_FDCWD</a>, "b", 5</c>, "d", RENAME_NOREPLACE) = 0', WRITE, ["a/b", "c/d"]),
        ('7 symlinkat("target", AT_FDCWD</a>, "link") = 0', WRITE, ["a/link"]),
        ("7 exit_group(0) = ?", 0, []),
    ],
)  # fmt: skip
def test_a_line_is_read(line, operations, paths):
    assert read(line)[1:] == (operations, paths)


def test_two_halves_make_one_call():
    halves = ['7 openat(AT_FDCWD</a>, "b", O_RDONLY <unfinished ...>', "7 <... openat resumed>) = 3</a/b>"]
    assert read(halves[0], "8 close(3</x>) = 0", halves[1]) == ("openat", OPEN, ["a/b"])


def test_a_call_that_never_returns_has_a_name():
    assert read("7 exit_group(0 <unfinished ...>")[0] == "exit_group"


@pytest.mark.parametrize("line", ["7 +++ exited with 0 +++", "7 --- SIGCHLD {si_signo=SIGCHLD} ---", "", "strace: x"])
def test_other_lines_say_nothing(line):
    assert Lines().read(line) is None


@pytest.mark.parametrize(
    ("line", "directory"),
    [
        ('7 openat(AT_FDCWD</a b>, "x", O_RDONLY) = 3</a b/x>', "/a b"),
        ("7 fchdir(3</etc>) = 0", "/etc"),
        ("7 fchdir(3</etc>) = -1 EACCES (Permission denied)", None),
        ("7 close(3</etc>) = 0", None),
    ],
)
def test_a_call_may_tell_where_its_process_is(line, directory):
    assert Lines().read(line).directory == directory


def test_a_call_that_failed_is_told():
    assert Lines().read('7 stat("/x", 0x7ff) = -1 ENOENT (No such file or directory)').failed


@pytest.mark.parametrize(
    ("line", "child"),
    [
        ("7 clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD) = 41", 41),
        ("7 clone3({flags=CLONE_VM, parent_tid=0x7f} => {parent_tid=[42]}, 88) = 42", 42),
        ("7 vfork()      = 2 /* 3897 in strace's PID NS */", 3897),
        ("7 vfork() = ? ERESTARTNOINTR (To be restarted)", None),
    ],
)
def test_a_process_that_was_made_has_its_number(line, child):
    assert Lines().read(line).child == child
