"""The process that reads fanotify events keeps up, or says that it did not."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from engines import need

from slimml.engine.mounted_root import MountedRoot
from slimml.errors import Unavailable
from slimml.usage.recorders.fanotify import FanotifyRecorder, FanotifyWatch
from slimml.usage.recorders.reader import OwnReader
from slimml.usage.recording import Operation

FILES = 5000


@pytest.fixture
def mounted(tmp_path):
    """A file system of its own at two places: what is done through one is told with its path there."""
    need("mount")
    places = tmp_path / "one", tmp_path / "other"
    for place in places:
        place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", places[0]], check=True)
    subprocess.run(["mount", "--bind", *places], check=True)
    yield places
    for place in reversed(places):
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def watch(mounted):
    """A watch of the first place by the second."""
    with OwnReader("fanotify_reader") as reader:
        found = FanotifyWatch(reader)
        found.mark(MountedRoot(os.getpid(), str(mounted[1])), fresh=False)
        yield found


def names(watch, mounted):
    return {use.path.removeprefix(f"{mounted[0]}/".lstrip("/")): use.operations for use in watch.uses()}


def test_all_files_are_told_though_the_reader_was_held_up(watch, mounted):
    reader = watch._reader._process.pid
    os.kill(reader, signal.SIGSTOP)
    for number in range(FILES):
        (mounted[0] / str(number)).touch()
    os.kill(reader, signal.SIGCONT)
    assert names(watch, mounted).keys() >= {str(number) for number in range(FILES)}
    assert watch.lost() == ()


def test_all_files_are_told_with_few_descriptors(mounted, monkeypatch):
    held = resource.getrlimit(resource.RLIMIT_NOFILE)
    original = subprocess.Popen

    def limited(*words, **more):
        found = original(*words, **more)
        resource.prlimit(found.pid, resource.RLIMIT_NOFILE, (100, 100))
        return found

    monkeypatch.setattr(subprocess, "Popen", limited)
    with OwnReader("fanotify_reader") as reader:
        monkeypatch.undo()
        watch = FanotifyWatch(reader)
        watch.mark(MountedRoot(os.getpid(), str(mounted[1])), fresh=False)
        for number in range(FILES):
            (mounted[0] / str(number)).touch()
        assert len(names(watch, mounted).keys() & {str(number) for number in range(FILES)}) == FILES
        assert watch.lost() == ()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == held


def test_writing_removing_and_listing_are_told(watch, mounted):
    (mounted[0] / "written").write_text("x")
    (mounted[0] / "removed").write_text("x")
    (mounted[0] / "removed").unlink()
    (mounted[0] / "listed").mkdir()
    os.listdir(mounted[0] / "listed")
    found = names(watch, mounted)
    assert found["written"] == Operation.OPEN | Operation.WRITE
    assert found["removed"] & Operation.WRITE
    assert found["listed"] == Operation.LIST


def test_a_program_and_its_interpreter_are_executed(watch, mounted):
    shutil.copy("/bin/true", mounted[0] / "true")
    subprocess.run([mounted[0] / "true"], check=True)
    assert names(watch, mounted)["true"] & Operation.EXEC


@pytest.fixture
def program(mounted):
    """A program on the file system that is watched, of another user's."""
    found = mounted[0] / "true"
    shutil.copy("/bin/true", found)
    os.chown(found, 1234, 1234)
    found.chmod(0o755)
    return found


def test_whoever_runs_a_program_is_known_however_soon_it_ends(watch, program):
    for user in range(2000, 2040):
        subprocess.run(["./true"], check=True, cwd=program.parent, user=user)
    assert watch.users() - {os.geteuid()} == frozenset(range(2000, 2040))


def test_a_program_that_sets_its_user_runs_as_its_owner(watch, program):
    program.chmod(0o4755)
    subprocess.run(["./true"], check=True, cwd=program.parent, user=65534)
    assert 1234 in watch.users()


def test_programs_go_on_when_the_reader_is_killed(watch, program):
    reader = watch._reader._process
    reader.send_signal(signal.SIGSTOP)
    with subprocess.Popen(["/bin/sh", "-c", 'exec "$0"', program]) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        reader.kill()
        assert waiting.wait(30) == 0


def test_what_a_kernel_cannot_ask_is_read_as_it_comes(mounted, program):
    code = (
        "from slimml.usage.recorders import fanotify_calls, fanotify_reader\n"
        "def refused(): raise OSError(22, 'Invalid argument')\n"
        "fanotify_calls.open_gate = refused\n"
        "fanotify_reader.main()"
    )
    requests = [
        {"do": "mark", "pid": os.getpid(), "path": str(mounted[1]), "fresh": False},
        {"do": "take"},
    ]
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        answers = [json.loads(reader.stdout.readline())]
        for request in requests:
            reader.stdin.write(json.dumps(request).encode() + b"\n")
            reader.stdin.flush()
            answers.append(json.loads(reader.stdout.readline()))
            if request["do"] == "mark":
                subprocess.run([program], check=True)
        reader.stdin.close()
    (uses,) = [one for one in answers[-1]["uses"] if one[0].endswith("/true")]
    assert uses[1] == Operation.OPEN | Operation.EXEC


def test_a_watch_that_saw_no_program_start_is_incomplete(mounted):
    with OwnReader("fanotify_reader") as reader:
        watch = FanotifyWatch(reader)
        watch.mark(MountedRoot(os.getpid(), str(mounted[1])))
        (mounted[0] / "opened").touch()
        assert watch.lost() == ("no program was seen starting in the container",)


def test_who_looks_from_outside_is_not_told(watch, mounted):
    (mounted[1] / "seen by the engine").touch()
    assert all("engine" not in name for name in names(watch, mounted))


def test_a_mount_is_marked_as_soon_as_it_is_there(tmp_path):
    need("mount")
    places = tmp_path / "one", tmp_path / "other"
    for place in places:
        place.mkdir()
    with OwnReader("fanotify_reader") as reader:
        watch = FanotifyWatch(reader)
        watch.mark(MountedRoot(os.getpid(), str(places[1]), at_start=True), fresh=False)
        assert "was not seen being mounted" in watch.lost()[0]
        subprocess.run(["mount", "-t", "tmpfs", "none", places[0]], check=True)
        subprocess.run(["mount", "--bind", *places], check=True)
        try:
            while watch.lost():
                time.sleep(0)  # the kernel wakes the reader, which asks nobody's leave
            (places[0] / "new").touch()
            assert any(use.path.endswith("new") for use in watch.uses())
        finally:
            for place in reversed(places):
                subprocess.run(["umount", "--lazy", place], check=True)


def test_a_program_that_ran_before_the_mark_makes_it_late(tmp_path):
    need("busybox", "chroot")
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    try:
        shutil.copy(shutil.which("busybox"), tmp_path / "busybox")
        command = ["chroot", tmp_path, "/busybox", "sh", "-c", "echo up; read line"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdout.readline() == b"up\n"
            with OwnReader("fanotify_reader") as reader:
                watch = FanotifyWatch(reader)
                watch.mark(MountedRoot(os.getpid(), str(tmp_path)))
                assert "the watch began after the container's program did" in watch.lost()
            program.communicate(b"\n")
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_reader_that_was_killed_is_no_silence(watch):
    watch._reader._process.kill()
    with pytest.raises(Unavailable, match="has ended"):
        watch.uses()


def test_without_root_it_says_what_it_takes():
    need("mount")
    code = "import os; from slimml.usage.recorders.fanotify_reader import main; os.setuid(65534); main()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert '"errno": 1' in ended.stdout, ended.stderr


def test_engines_without_root_are_not_watched():
    from slimml.engine.container import EngineFacts

    class Rootless:
        name = "podman"

        def facts(self):
            return EngineFacts("podman", "4", "overlay", True, "crun")

    assert "needs root" in FanotifyRecorder().usable(Rootless())
