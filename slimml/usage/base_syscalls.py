"""System calls that every profile allows: what a container needs before and besides the program that was recorded.

The groups follow the man pages' sections of the calls; docs/unused.md shows them to users. None of them gives a
container anything that its user, capabilities and namespaces do not give it already, and each is in Docker's default
profile (moby, profiles/seccomp/default.json).
"""

from __future__ import annotations

BASE: dict[str, tuple[str, ...]] = {
    "the runtime starts the program after the filter is in force": (
        "capget", "capset", "chdir", "close_range", "execve", "execveat", "fchdir", "fchown", "fstatfs", "getppid",
        "prctl", "setgid", "setgroups", "setresgid", "setresuid", "setsid", "setuid", "statfs", "umask",
    ),
    "the loader and libc begin": (
        "access", "arch_prctl", "brk", "faccessat", "faccessat2", "getrandom", "mmap", "mprotect", "munmap",
        "pread64", "prlimit64", "readlink", "readlinkat", "rseq", "set_robust_list", "set_tid_address",
        "get_robust_list", "uname",
    ),
    "files that are read, listed and closed": (
        "close", "dup", "dup2", "dup3", "fcntl", "fstat", "getcwd", "getdents", "getdents64", "ioctl", "lseek",
        "lstat", "newfstatat", "open", "openat", "pipe", "pipe2", "read", "readv", "stat", "statx", "write", "writev",
    ),
    "memory": ("madvise", "mremap", "msync"),
    "threads and waiting": (
        "clock_getres", "clock_gettime", "clock_nanosleep", "futex", "gettimeofday", "nanosleep", "restart_syscall",
        "sched_getaffinity", "sched_yield", "time", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
        "epoll_wait", "eventfd2", "poll", "ppoll", "pselect6", "select",
    ),
    "signals, and an end": (
        "exit", "exit_group", "kill", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
        "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "tgkill", "tkill", "wait4", "waitid",
    ),
    "who it is": (
        "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getresgid", "getresuid",
        "getrlimit", "getsid", "gettid", "getuid",
    ),
}  # fmt: skip
"""by what they are for"""

FAMILIES: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            ("clone", "clone3", "fork", "vfork"),
            ("accept", "accept4"),
            ("recv", "recvfrom", "recvmsg", "recvmmsg"),
            ("send", "sendto", "sendmsg", "sendmmsg"),
            ("getsockopt", "setsockopt"),
            ("chmod", "fchmod", "fchmodat", "fchmodat2"),
            ("chown", "lchown", "fchown", "fchownat"),
            ("link", "linkat"),
            ("mkdir", "mkdirat"),
            ("mknod", "mknodat"),
            ("rename", "renameat", "renameat2"),
            ("rmdir", "unlink", "unlinkat"),
            ("symlink", "symlinkat"),
            ("truncate", "ftruncate", "fallocate"),
            ("utime", "utimes", "utimensat", "futimesat"),
            ("eventfd", "eventfd2"),
            ("signalfd", "signalfd4"),
            ("inotify_init", "inotify_init1"),
            ("preadv", "preadv2"),
            ("pwrite64", "pwritev", "pwritev2"),
            ("sendfile", "splice", "copy_file_range"),
            ("fsync", "fdatasync", "sync_file_range"),
            ("setrlimit", "prlimit64"),
            ("openat", "openat2"),
        ),
    )
)
"""calls that do the same in another way: another libc, or a newer one, makes the other"""

NEWER = frozenset(
    ("clone3", "close_range", "faccessat2", "fchmodat2", "futex_waitv", "io_uring_setup", "openat2", "process_madvise")
)
"""calls that libraries replace by older ones where the kernel says ENOSYS, but not where it says EPERM"""
