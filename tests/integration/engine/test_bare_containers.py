"""runc and crun run images as Docker would, each container with its own files, network and limits."""

import http.client
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import need
from tiny_image import tar_of

from slimml.engine.bare.engine import BareEngine
from slimml.engine.container import OUTPUT_BYTES, Mount, Resources, RunSpec
from slimml.errors import Refused, SlimmlError, UsageError
from slimml.oci.media_types import Compression

WAIT = 60


@pytest.fixture(params=["runc", "crun"])
def engine(request, tmp_path):
    need(request.param)
    return BareEngine(request.param, place=tmp_path / "place")


@pytest.fixture
def started(engine):
    """A started container of `config` and `spec`, in a context."""

    @contextmanager
    def start(config=None, layers=(), **spec):
        image = busybox_image(config, layers)
        with engine.prepare(image) as prepared, engine.create(prepared, RunSpec(**spec)) as container:
            container.start()
            yield container

    return start


def shell(words):
    return {"argv": ("sh", "-c", words)}


def page(container):
    """What the web server inside answers, as soon as there is one."""
    while True:
        try:
            connection = http.client.HTTPConnection("localhost")
            connection.sock = container.connect(8000, WAIT)
            break
        except ConnectionRefusedError:
            assert container.wait(0.01) is None, container.logs()
    connection.request("GET", "/index.html")
    answer = connection.getresponse().read()
    connection.close()
    return answer


def test_a_service_answers_on_its_port(started):
    with started() as container:
        assert page(container) == b"hello from inside\n"


def test_two_services_listen_on_the_same_port_at_once(engine):
    image = busybox_image({"Cmd": ["sh", "-c", "echo $WHO > /srv/index.html; exec httpd -f -p 8000 -h /srv"]})
    with engine.prepare(image) as prepared:
        ann, bob = (RunSpec(environment={"WHO": who}) for who in ("ann", "bob"))
        with engine.create(prepared, ann) as first, engine.create(prepared, bob) as second:
            first.start()
            second.start()
            assert (page(first), page(second)) == (b"ann\n", b"bob\n")


def test_nobody_on_a_port_is_a_refused_connection(started):
    with started() as container, pytest.raises(ConnectionRefusedError):
        container.connect(8001, WAIT)


def test_connecting_after_the_end_is_refused(started):
    with started(argv=("true",)) as container:
        container.wait(WAIT)
        with pytest.raises(ConnectionRefusedError):
            container.connect(8000, WAIT)


def test_the_exit_code_is_known(started):
    with started(**shell("exit 7")) as container:
        assert container.wait(WAIT).code == 7


def test_a_signal_is_128_and_its_number(started):
    with started(**shell("kill -9 $$; sleep 100")) as container:
        # The kernel lets nothing inside kill the first process, so it comes from without.
        os.kill(container.pid(), signal.SIGKILL)
        assert container.wait(WAIT).code == 137


def test_what_runs_has_not_ended(started):
    with started() as container:
        assert container.wait(0) is None


def test_output_is_kept_apart_and_after_the_end(started):
    with started(**shell("echo out; echo err >&2")) as container:
        container.wait(WAIT)
        said = container.logs()
    assert (said.stdout, said.stderr) == (b"out\n", b"err\n")


def test_endless_output_is_cut_and_refused(started):
    with started(**shell(f"dd if=/dev/zero bs=1M count={(OUTPUT_BYTES >> 20) + 6}; true")) as container:
        container.wait(WAIT)
        with pytest.raises(Refused, match="says more than 64 MiB"):
            container.logs()


def test_a_command_has_input_and_output(started):
    with started() as container:
        said = container.execute(("sh", "-c", "cat; echo no >&2; exit 3"), stdin=b"yes")
    assert (said.code, said.stdout, said.stderr) == (3, b"yes", b"no\n")


@pytest.mark.parametrize(("command", "code"), [("nothing-of-this-name", 127), ("/etc/passwd", 126), ("/etc", 126)])
def test_a_command_that_cannot_run_has_the_code_of_a_shell(started, command, code):
    with started() as container:
        assert container.execute((command,)).code == code


def test_a_command_runs_as_who_is_asked_for(started):
    with started() as container:
        said = container.execute(("sh", "-c", "id; echo $HOME; pwd"), user="ann", directory="/srv")
    assert said.stdout == b"uid=1000(ann) gid=1001(ann) groups=44(video),1001(ann)\n/home/ann\n/srv\n"


def test_a_user_that_was_added_inside_is_known(started):
    with started() as container:
        container.execute(("sh", "-c", "echo new:x:7:7:::/bin/sh >> /etc/passwd"))
        assert container.execute(("id", "-u"), user="new").stdout == b"7\n"


def test_a_command_that_takes_too_long_is_killed(started):
    with started() as container:
        with pytest.raises(TimeoutError):
            container.execute(("sleep", "1234"), timeout=1)
        assert b"sleep 1234" not in container.execute(("ps",)).stdout


def test_a_command_after_the_end_is_an_error(started):
    with started(argv=("true",)) as container:
        container.wait(WAIT)
        with pytest.raises(SlimmlError, match="has ended"):
            container.execute(("true",))


def test_the_image_says_user_directory_and_variables(started):
    config = {"User": "ann:video", "WorkingDir": "/made/for/it", "Env": ["A=b=c"]}
    with started(config, **shell("id -u; id -g; pwd; echo $A $HOME $HOSTNAME; hostname")) as container:
        container.wait(WAIT)
        assert container.logs().stdout == b"1000\n44\n/made/for/it\nb=c /home/ann slimml\nslimml\n"


def test_an_entrypoint_comes_before_the_command(started):
    with started({"Entrypoint": ["echo", "one"], "Cmd": ["two"]}) as container:
        container.wait(WAIT)
        assert container.logs().stdout == b"one two\n"


def test_a_user_nobody_knows_is_an_error(engine):
    with engine.prepare(busybox_image({"User": "eve"})) as prepared:
        container = engine.create(prepared, RunSpec())
        with pytest.raises(UsageError, match="eve"):
            container.__enter__()


def test_a_program_that_is_not_there_is_an_error_of_ours(engine):
    spec = RunSpec(argv=("/no/such/program",))
    error = pytest.raises(SlimmlError, match="could not start '/no/such/program'")
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, spec) as container, error:
        container.start()


def test_a_service_that_is_not_root_may_listen_on_port_80(started):
    with started({"User": "ann"}, argv=("httpd", "-f", "-p", "80", "-h", "/srv")) as container:
        while container.wait(0.01) is None:
            try:
                container.connect(80, WAIT).close()
                return
            except ConnectionRefusedError:
                continue
        pytest.fail(str(container.logs()))


def test_past_its_memory_it_is_killed_and_that_is_known(started):
    limits = Resources(memory=16 << 20)
    with started(**shell("dd if=/dev/zero of=/dev/null bs=200M count=1"), resources=limits) as container:
        ended = container.wait(WAIT)
        assert (ended.code, ended.out_of_memory) == (137, True)
        assert 8 << 20 < container.peak_memory() <= 16 << 20


def test_processors_are_limited(started):
    show = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max"
    with started(**shell(show), resources=Resources(cpus=0.5)) as container:
        container.wait(WAIT)
        assert container.logs().stdout.split()[0] == b"50000"


def test_files_can_be_read_before_during_and_after(engine):
    with (
        engine.prepare(busybox_image()) as prepared,
        engine.create(prepared, RunSpec(**shell("mkdir -p /out/deep; echo a > /out/a; echo b > /out/deep/b"))) as c,
    ):
        before = c.files("/srv")
        c.start()
        c.wait(WAIT)
        after = c.files("/out")
    assert (before, after) == (
        {"/srv/index.html": b"hello from inside\n"},
        {"/out/a": b"a\n", "/out/deep/b": b"b\n"},
    )


def test_links_are_followed_inside_only(started, tmp_path):
    (tmp_path / "secret").write_text("of the host")
    words = f"ln -s {tmp_path}/secret /way; ln -s ../../../../../../srv /page"
    with started(**shell(words)) as container:
        container.wait(WAIT)
        assert (container.files("/way"), container.files("/page")) == (
            {},
            {"/page/index.html": b"hello from inside\n"},
        )


def test_more_than_can_be_kept_is_refused(started):
    with started(**shell("dd if=/dev/zero of=/big bs=1M count=70; true")) as container:
        container.wait(WAIT)
        with pytest.raises(Refused, match="/big"):
            container.files("/big")


def test_the_status_of_files_is_theirs_inside(started):
    with started(**shell("mkdir /d; touch /d/f; chmod 640 /d/f; ln -s d/f /l; ln -s nowhere /n")) as container:
        container.wait(WAIT)
        file, nothing = container.status("/l"), container.status("/n")
    assert (stat.S_ISREG(file.mode), file.mode & 0o777, file.uid, nothing) == (True, 0o640, 0, None)


def test_files_can_be_put_in_before_the_start(engine):
    spec = RunSpec(argv=("cat", "/srv/index.html"))
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, spec) as container:
        container.put(iter([tar_of({"srv/index.html": b"another\n"})]))
        container.start()
        container.wait(WAIT)
        assert container.logs().stdout == b"another\n"


def test_containers_do_not_see_each_others_changes(engine):
    with engine.prepare(busybox_image()) as prepared:
        with engine.create(prepared, RunSpec(**shell("touch /new; echo x > /etc/passwd"))) as first:
            first.start()
            first.wait(WAIT)
            with engine.create(prepared, RunSpec()) as second:
                assert (second.files("/new"), b"ann" in second.files("/etc/passwd")["/etc/passwd"]) == ({}, True)
        assert not (Path(prepared.handle) / "new").exists()


def test_mounts_are_seen_and_written(engine, tmp_path):
    for name in ("read", "write"):
        (tmp_path / name).mkdir()
    (tmp_path / "read/a").write_text("from the host\n")
    mounts = (Mount(tmp_path / "read", "/in"), Mount(tmp_path / "write", "/out/deep", writable=True))
    spec = RunSpec(**shell("cat /in/a > /out/deep/b; touch /in/c || exit 5"), mounts=mounts)
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, spec) as container:
        container.start()
        assert container.wait(WAIT).code == 5
        assert container.files("/out/deep") == {"/out/deep/b": b"from the host\n"}
    assert (tmp_path / "write/b").read_text() == "from the host\n"


def test_only_the_loopback_is_there(started):
    with started(**shell("ls /sys/class/net; ifconfig")) as container:
        container.wait(WAIT)
        said = container.logs().stdout
    assert (said.split()[0], b"127.0.0.1" in said, b"eth" in said) == (b"lo", True, False)


def test_the_rights_are_dockers(started):
    with started(**shell("cat /proc/self/status; touch /proc/sys/kernel/x; cat /proc/kcore | wc -c")) as container:
        container.wait(WAIT)
        said = dict(line.split(b":\t", 1) for line in container.logs().stdout.splitlines() if b":\t" in line)
    assert (said[b"CapEff"], said[b"CapBnd"], said[b"NoNewPrivs"]) == (b"00000000a80425fb", b"00000000a80425fb", b"0")


def test_set_user_id_bits_are_kept(started):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("bin/whoami-really")
        content = Path(shutil.which("busybox")).read_bytes()
        member.size, member.mode = len(content), 0o4755
        archive.addfile(member, io.BytesIO(content))
    with started(layers=(out.getvalue(),)) as container:
        assert container.status("/bin/whoami-really").mode & 0o7777 == 0o4755


def test_a_place_without_room_is_said_before_unpacking(engine, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", small], check=True)
    try:
        cramped = BareEngine(engine.name, place=small)
        image = busybox_image(compression=Compression.NONE)
        with pytest.raises(SlimmlError, match=r"takes about .* GiB, and .* has .* free.*SLIMML_WORK_DIR"):
            cramped.prepare(image).__enter__()
    finally:
        subprocess.run(["umount", small], check=True)


def test_the_engine_says_what_it_is(engine):
    facts = engine.facts()
    assert (facts.name, facts.rootless, facts.runtime) == (engine.name, False, f"{engine.name} {facts.version}")


def test_a_gpu_of_a_cdi_specification_is_inside(started, tmp_path, monkeypatch):
    """/dev/zero and a file stand for a GPU and its library."""
    (tmp_path / "libcuda").write_text("a library\n")
    edits = {
        "env": ["FOUND=yes"],
        "deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/zero"}],
        "mounts": [{"hostPath": str(tmp_path / "libcuda"), "containerPath": "/usr/lib/libcuda.so.1"}],
    }
    devices = [{"name": "all", "containerEdits": edits}]
    specification = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": devices}
    (tmp_path / "nvidia.json").write_text(json.dumps(specification))
    monkeypatch.setattr("slimml.engine.bare.devices.SPEC_DIRECTORIES", (tmp_path,))
    words = "echo $FOUND; dd if=/dev/nvidia0 bs=4 count=1 2>/dev/null | wc -c; cat /usr/lib/libcuda.so.1"
    with started(**shell(words), resources=Resources(gpus="all")) as container:
        container.wait(WAIT)
        assert container.logs().stdout == b"yes\n4\na library\n"
