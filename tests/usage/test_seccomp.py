"""Seccomp profiles of recordings: what was seen, its other names, and what every container needs."""

import re
from pathlib import Path

import pytest

from slimml.errors import Refused
from slimml.usage.base_syscalls import BASE, FAMILIES, NEWER
from slimml.usage.recording import Recording, Seen
from slimml.usage.seccomp import allowed, seccomp_profile


def recording_of(*syscalls, platform="linux/amd64"):
    return Recording("sha256:0", (), platform, (), (Seen("strace", ()),), (), syscalls=syscalls)


def rule(profile, action):
    return next(set(it["names"]) for it in profile["syscalls"] if it["action"] == action)


def test_what_was_not_seen_fails():
    profile = seccomp_profile(recording_of("socket"))
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"socket", "execve", "exit_group"} <= rule(profile, "SCMP_ACT_ALLOW")
    assert not {"mount", "ptrace", "bpf", "connect"} & rule(profile, "SCMP_ACT_ALLOW")


def test_another_way_to_do_what_was_seen_is_allowed():
    assert {"clone3", "vfork"} <= allowed(recording_of("clone"))


def test_a_newer_call_that_was_not_seen_is_unknown_rather_than_forbidden():
    found = rule(seccomp_profile(recording_of("socket")), "SCMP_ACT_ERRNO")
    assert "clone3" in found
    assert seccomp_profile(recording_of("socket"))["syscalls"][1]["errnoRet"] == 38


@pytest.mark.parametrize(
    ("platform", "main"), [("linux/amd64", "SCMP_ARCH_X86_64"), ("linux/arm64/v8", "SCMP_ARCH_AARCH64")]
)
def test_the_profile_names_the_architecture(platform, main):
    assert seccomp_profile(recording_of("socket", platform=platform))["archMap"][0]["architecture"] == main


def test_a_recorder_that_does_not_tell_system_calls_makes_no_profile():
    with pytest.raises(Refused, match="strace"):
        seccomp_profile(recording_of())


def test_nothing_of_the_base_set_changes_the_host():
    every = {name for names in BASE.values() for name in names}
    dangerous = {"mount", "umount2", "ptrace", "bpf", "init_module", "kexec_load", "setns", "unshare", "io_uring_setup"}
    assert not every & dangerous


def test_newer_calls_are_no_part_of_the_base_set_unless_the_runtime_makes_them():
    every = {name for names in BASE.values() for name in names}
    assert every & NEWER <= {"close_range", "faccessat2"}


def test_no_call_is_in_two_families():
    names = [name for family in FAMILIES for name in family]
    assert len(names) == len(set(names))


def test_the_base_set_is_documented():
    page = (Path(__file__).parents[2] / "docs/unused.md").read_text("utf-8")
    for purpose, names in BASE.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {purpose} |")]
        assert set(re.findall(r"`(\w+)`", row)) == set(names)
