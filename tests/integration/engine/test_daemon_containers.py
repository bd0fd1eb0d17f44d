"""Containers of real Docker and Podman: what they run, what they say, how they end, what they leave in files."""

import io
import json
import signal
import stat
import tarfile
import threading
import time

import pytest
from busybox_image import busybox_image
from tiny_image import tar_of

from slimml.engine.container import Mount, Resources, RunSpec
from slimml.errors import NotFound, Refused, SlimmlError, UsageError

WAIT = 60


def test_facts_say_what_the_engine_is(daemon):
    facts = daemon.engine.facts()
    assert facts.name in ("docker", "podman")
    assert facts.version[0].isdigit()
    assert facts.storage_driver in ("overlay2", "overlay")
    assert facts.runtime == "runc"


def test_output_is_what_was_written_to_the_byte(daemon):
    long_line = "i=0; while [ $i -lt 9999 ]; do printf 0123456789; i=$((i+1)); done"
    script = rf"{long_line}; printf 'a\n\377\000b\r\nend'; printf no >&2"
    with daemon.started(script) as container:
        assert container.wait(WAIT)
        said = container.logs()
    assert (said.stdout, said.stderr) == (b"0123456789" * 9999 + b"a\n\xff\0b\r\nend", b"no")


def test_output_can_be_read_while_it_is_written(daemon):
    with daemon.started("echo first; exec sleep 60") as container:
        while not container.logs().stdout:
            assert container.wait(0.01) is None
        assert container.logs().stdout == b"first\n"


def test_more_output_than_is_kept_is_refused_and_does_not_block(daemon):
    with daemon.started("dd if=/dev/zero bs=1048576 count=66 2>/dev/null") as container:
        assert container.wait(WAIT).code == 0
        with pytest.raises(Refused, match="more than 64 MiB"):
            container.logs()


@pytest.mark.parametrize(("script", "code"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_code_is_told(daemon, script, code):
    # The first process of a container is deaf to its own signals, so a child dies in its place.
    with daemon.started(f"sh -c '{script}'; exit $?") as container:
        assert container.wait(WAIT).code == code


def test_waiting_ends_in_time(daemon):
    with daemon.started("exec sleep 60") as container:
        began = time.monotonic()
        assert container.wait(0.3) is None
        assert 0.3 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("entrypoint", "argv", "expected"),
    [
        (None, ("echo", "a"), b"a\n"),
        (("echo",), None, b"\n"),
        (("echo", "a"), ("b",), b"a b\n"),
        ((), ("echo", "c"), b"c\n"),
    ],
)
def test_words_stand_for_those_of_the_image(daemon, entrypoint, argv, expected):
    with daemon.engine.create(daemon.prepared, RunSpec(argv=argv, entrypoint=entrypoint)) as container:
        container.start()
        assert container.wait(WAIT).code == 0
        assert container.logs().stdout == expected


def test_no_words_at_all_are_a_usage_error(daemon):
    with (
        pytest.raises(UsageError, match="no command"),
        daemon.engine.create(daemon.prepared, RunSpec(argv=(), entrypoint=())),
    ):
        pass


def test_environment_user_directory_and_host_name_are_as_said(daemon):
    script = 'echo "$A"; id -u; pwd; hostname'
    with daemon.started(script, environment={"A": "b=c d"}, user="ann", directory="/srv") as container:
        assert container.wait(WAIT).code == 0
        assert container.logs().stdout == b"b=c d\n1000\n/srv\nslimml\n"


@pytest.mark.parametrize("word", ["nothing-of-that-name", "/no/program"])
def test_a_missing_program_is_told_in_one_line(daemon, word):
    with (
        pytest.raises(
            SlimmlError, match=rf'^\S+ does not start: exec: "{word}": [^\n]*(not found|no such file)[^\n]*$'
        ),
        daemon.engine.create(daemon.prepared, RunSpec(argv=(word,))) as container,
    ):
        container.start()


def test_an_unknown_user_is_told(daemon):
    with (
        pytest.raises(SlimmlError, match="unable to find user nobody-known"),
        daemon.started("true", user="nobody-known"),
    ):
        pass


def test_files_of_this_machine_are_mounted_as_said(daemon, tmp_path):
    for name in ("fixed", "free"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "there").write_text(name)
    mounts = (Mount(tmp_path / "fixed", "/fixed"), Mount(tmp_path / "free", "/free", writable=True))
    with daemon.started("cat /f*/there; touch /free/new; touch /fixed/new", mounts=mounts) as container:
        assert container.wait(WAIT).code == 1
        assert container.logs().stdout == b"fixedfree"
    assert [(tmp_path / name / "new").exists() for name in ("fixed", "free")] == [False, True]


def test_what_is_not_there_is_not_mounted(daemon, tmp_path):
    with (
        pytest.raises(NotFound, match="cannot be mounted"),
        daemon.started("true", mounts=(Mount(tmp_path / "x", "/x"),)),
    ):
        pass
    assert not (tmp_path / "x").exists()


def test_running_out_of_memory_is_told_apart(daemon):
    limit = 24 << 20
    with daemon.started("a=x; while :; do a=$a$a$a; done", resources=Resources(memory=limit)) as container:
        ended = container.wait(WAIT)
        assert (ended.code, ended.out_of_memory) == (137, True)
        assert container.peak_memory() == limit


def test_processors_are_limited(daemon):
    with daemon.started("exec sleep 60", resources=Resources(cpus=0.5)) as container:
        host = json.loads(daemon.api.call("GET", f"/containers/{container.id}/json"))["HostConfig"]
        assert (host.get("NanoCpus") or 0) == 500_000_000 or host["CpuQuota"] * 2 == host["CpuPeriod"]


def test_the_engine_checks_no_health(daemon):
    image = busybox_image({"Healthcheck": {"Test": ["CMD", "false"], "Interval": 1_000_000_000}})
    with (
        daemon.engine.prepare(image) as prepared,
        daemon.engine.create(prepared, RunSpec(argv=("sleep", "60"))) as container,
    ):
        container.start()
        config = json.loads(daemon.api.call("GET", f"/containers/{container.id}/json"))["Config"]
        assert config["Healthcheck"]["Test"] == ["NONE"]


def test_the_main_process_is_one_of_this_machine(daemon):
    with daemon.started("exec sleep 60") as container:
        with open(f"/proc/{container.pid()}/status") as file:
            numbers = next(line for line in file if line.startswith("NSpid")).split()
        assert numbers[-1] == "1"
        container.stop(0)
        assert container.pid() is None


def test_a_process_that_listens_to_sigterm_is_stopped_by_it(daemon):
    with daemon.started("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done") as container:
        while not container.logs().stdout:
            assert container.wait(0.01) is None
        container.stop(30)
        assert container.wait(WAIT).code == 3
        assert container.logs().stdout == b"up\nbye\n"


def test_one_that_does_not_is_killed(daemon):
    with daemon.started("exec sleep 60") as container:
        container.stop(1)
        ended = container.wait(WAIT)
        assert (ended.code, ended.out_of_memory) == (128 + signal.SIGKILL, False)


def test_stopping_and_removing_twice_is_no_error(daemon):
    with daemon.started("true") as container:
        container.wait(WAIT)
        container.stop()
        container.remove()
        container.remove()


def test_peak_memory_is_of_the_size_of_what_was_used(daemon):
    script = "dd if=/dev/zero of=/dev/null bs=33554432 count=20 2>/dev/null"
    with daemon.started(script) as container:
        assert container.wait(WAIT).code == 0
        assert 32 << 20 < container.peak_memory() < 128 << 20


def test_files_come_out_also_after_the_end(daemon):
    script = "mkdir -p /out/deep; cd /out; echo 1 > a; echo 2 > deep/b; ln a hard; ln -s a soft; ln -s /out /door"
    with daemon.started(script) as container:
        assert container.wait(WAIT).code == 0
        below = {"a": b"1\n", "deep/b": b"2\n", "hard": b"1\n"}
        assert container.files("/out") == {f"/out/{name}": content for name, content in below.items()}
        assert container.files("/out/a") == {"/out/a": b"1\n"}
        assert container.files("/out/soft") == {"/out/soft": b"1\n"}
        assert container.files("/door") == {f"/door/{name}": content for name, content in below.items()}
        assert container.files("/door/deep") == {"/door/deep/b": b"2\n"}
        assert container.files("/nothing") == {}


def test_files_that_are_too_large_are_refused(daemon):
    with daemon.started("dd if=/dev/zero of=/large bs=1048576 count=65 2>/dev/null") as container:
        assert container.wait(WAIT).code == 0
        with pytest.raises(Refused, match="'/large' have more than 64 MiB"):
            container.files("/large")


def test_files_have_a_status(daemon):
    with daemon.started("echo four > /f; chmod 640 /f; ln -s f /link; ln -s none /dangling; mkdir /d") as container:
        assert container.wait(WAIT).code == 0
        assert container.status("/f") == container.status("/link")
        found = container.status("/f")
        assert (found.mode, found.uid, found.gid, found.size) == (stat.S_IFREG | 0o640, 0, 0, 5)
        assert stat.S_ISDIR(container.status("/d").mode)
        assert container.status("/dangling") is None
        assert container.status("/nothing") is None


def test_files_are_put_in_before_the_start(daemon):
    with daemon.engine.create(daemon.prepared, RunSpec(argv=("cat", "/srv/index.html", "/new/file"))) as container:
        container.put([tar_of({"srv/index.html": b"other\n", "new/file": b"new\n"})])
        assert container.status("/new/file").size == 4
        container.start()
        assert container.wait(WAIT).code == 0
        assert container.logs().stdout == b"other\nnew\n"


def test_owners_of_files_put_in_are_kept(daemon):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("owned")
        member.uid, member.gid, member.mode = 1000, 1001, 0o4750
        archive.addfile(member)
    with daemon.engine.create(daemon.prepared, RunSpec()) as container:
        container.put([out.getvalue()])
        found = container.status("/owned")
    assert (found.uid, found.gid, stat.S_IMODE(found.mode)) == (1000, 1001, 0o4750)


@pytest.fixture(scope="module")
def idle(docker, podman):
    """A container of each engine that just runs."""
    with docker.started("exec sleep 600") as one, podman.started("exec sleep 600") as other:
        yield {id(docker): one, id(podman): other}


@pytest.fixture
def running(daemon, idle):
    return idle[id(daemon)]


def test_a_command_inside_tells_its_streams_and_its_code(running):
    said = running.execute(("sh", "-c", r"printf 'out\377'; printf err >&2; exit 5"))
    assert (said.code, said.stdout, said.stderr) == (5, b"out\xff", b"err")


def test_a_command_reads_its_input_to_the_end(running):
    assert running.execute(("cat",), stdin=b"line\n" * 400_000).stdout == b"line\n" * 400_000


def test_a_command_need_not_read_its_input(running):
    assert running.execute(("true",), stdin=b"x" * 1_000_000).code == 0


def test_a_command_without_input_sees_its_end(running):
    assert running.execute(("cat",), timeout=WAIT).stdout == b""


def test_a_command_has_environment_user_and_directory(running):
    said = running.execute(("sh", "-c", 'echo "$A"; id -u; pwd'), environment={"A": "b"}, user="ann", directory="/srv")
    assert said.stdout == b"b\n1000\n/srv\n"


@pytest.mark.parametrize(
    ("word", "code"), [("nothing-of-that-name", 127), ("/no/program", 127), ("/srv/index.html", 126)]
)
def test_a_command_that_cannot_run_has_the_code_of_a_shell(running, word, code):
    said = running.execute((word,))
    assert (said.code, said.stdout) == (code, b"")
    assert word.encode() in said.stderr
    assert said.stderr.count(b"\n") == 1


def test_a_command_that_itself_ends_so_keeps_its_words(running):
    said = running.execute(("sh", "-c", "echo mine; exit 127"))
    assert (said.code, said.stdout) == (127, b"mine\n")


def test_a_command_that_takes_too_long_is_killed(running):
    with pytest.raises(TimeoutError, match=r"'sleep 77' runs for more than 0.5 seconds"):
        running.execute(("sleep", "77"), timeout=0.5)
    assert b"sleep\x0077" not in running.execute(("sh", "-c", "cat /proc/*/cmdline")).stdout


def test_commands_run_beside_each_other(running):
    found = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(running.execute(("echo", str(n))).stdout)) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_a_command_in_a_container_that_has_ended_is_an_error(daemon):
    with daemon.started("true") as container:
        container.wait(WAIT)
        with pytest.raises(SlimmlError, match="a command in container"):
            container.execute(("true",))
