"""Programs of this machine as containers: a virtual environment in a directory, and a root that is unpacked already."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from busybox_image import SERVE, busybox_image
from engines import missing
from left_behind import wait_for_the_end

from slimml.engine.bare.unpack import unpack_image
from slimml.engine.container import Mount, Resources, RunSpec
from slimml.engine.host import HostEngine
from slimml.errors import NotFound, SlimmlError, Unavailable, Unsupported, UsageError

WAIT = 60
SERVICE = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")
http.server.HTTPServer(("127.0.0.1", 8642), Handler).serve_forever()
"""
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(1000)
    os._exit(0)
os.wait()
time.sleep(1000)
"""


@pytest.fixture
def venv(tmp_path):
    """As much of a virtual environment as is needed to run its python."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    (tmp_path / "work").mkdir()
    return HostEngine(venv=tmp_path / "venv", directory=tmp_path / "work", place=tmp_path / "place")


@pytest.fixture
def root(tmp_path):
    """A host root of busybox."""
    (tmp_path / "root").mkdir()
    unpack_image(busybox_image(), tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def chrooting(root, tmp_path, monkeypatch):
    """An engine over the root on a machine without a container runtime."""
    if os.geteuid() != 0:
        missing("mounts for tests are made by root")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    engine = HostEngine(root=root, place=tmp_path / "place")
    assert engine.facts().runtime == "chroot"
    return engine


def run(engine, *argv, **spec):
    """Run to the end; how it ended, and what it said."""
    spec = RunSpec(argv=argv, **spec)
    with engine.prepare(engine.image) as prepared, engine.create(prepared, spec) as container:
        container.start()
        ended = container.wait(WAIT)
        assert ended is not None
        return ended.code, container.logs().stdout.decode(), container.logs().stderr.decode()


def python(engine, program, **spec):
    return run(engine, "python", "-c", program, **spec)


def test_programs_come_from_the_virtual_environment(venv, tmp_path):
    code, said, _ = python(venv, "import os, shutil; print(shutil.which('python'), os.environ['VIRTUAL_ENV'])")
    assert (code, said.split()) == (0, [f"{tmp_path}/venv/bin/python", f"{tmp_path}/venv"])


def test_they_run_in_the_directory(venv, tmp_path):
    assert python(venv, "import os; print(os.getcwd())")[1].strip() == f"{tmp_path}/work"


def test_variables_of_the_spec_count(venv):
    assert python(venv, "import os; print(os.environ['A'])", environment={"A": "b"})[1] == "b\n"


def test_output_and_exit_code_are_told(venv):
    assert python(venv, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)") == (3, "out\n", "err\n")


@pytest.mark.parametrize(("gpus", "seen"), [(None, ""), ("2", "0,1"), ("device=1,3", "1,3"), ("nvidia.com/gpu=1", "1")])
def test_gpus_are_those_asked_for(venv, gpus, seen):
    program = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"
    assert python(venv, program, resources=Resources(gpus=gpus))[1] == f"{seen}\n"


def test_a_service_is_connected_to(venv):
    spec = RunSpec(argv=("python", "-c", SERVICE), network=False)
    with venv.prepare(venv.image) as prepared, venv.create(prepared, spec) as container:
        container.start()
        while container.wait(0.01) is None:
            try:
                connection = container.connect(8642, WAIT)
            except ConnectionRefusedError:
                continue
            with connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert connection.makefile("rb").read().endswith(b"served")
            return
        pytest.fail(str(container.logs()))


def test_without_a_network_there_is_a_loopback_of_its_own(venv):
    code, said, _ = python(venv, "import os; print(os.readlink('/proc/self/ns/net'))", network=False)
    assert (code, said.strip() == os.readlink("/proc/self/ns/net")) == (0, False)


def test_a_command_runs_beside(venv):
    with venv.prepare(venv.image) as prepared, venv.create(prepared, RunSpec(argv=("sleep", "1000"))) as container:
        container.start()
        said = container.execute(("python", "-c", "print(input())"), stdin=b"hello\n")
        codes = [container.execute((name,)).code for name in ("nothing-of-this-name", "/etc/passwd")]
    assert (said.stdout, codes) == (b"hello\n", [127, 126])


def test_files_of_the_directory_are_read(venv):
    spec = RunSpec(argv=("python", "-c", "open('made', 'w').write('x')"))
    with venv.prepare(venv.image) as prepared, venv.create(prepared, spec) as container:
        container.start()
        container.wait(WAIT)
        assert list(container.files("made").values()) == [b"x"]


def test_what_went_into_another_session_is_killed_too(venv):
    with (
        venv.prepare(venv.image) as prepared,
        venv.create(prepared, RunSpec(argv=("python", "-c", DAEMON))) as container,
    ):
        container.start()
        said = b""
        while not said.endswith(b"\n"):
            assert container.wait(0.01) is None, container.logs()
            said = container.logs().stdout
        daemon = os.pidfd_open(int(said))
    wait_for_the_end(daemon)
    os.close(daemon)


def test_what_dead_runs_left_running_is_swept(venv, tmp_path):
    program = f"""
import os, signal, time
from pathlib import Path
from slimml.engine.container import RunSpec
from slimml.engine.host import HostEngine
engine = HostEngine(venv=Path({str(tmp_path / "venv")!r}), place=Path({str(tmp_path / "place")!r}))
words = ("python", "-c", {DAEMON!r})
with engine.prepare(engine.image) as prepared, engine.create(prepared, RunSpec(argv=words)) as container:
    container.start()
    while not container.logs().stdout.endswith(b"\\n"):
        container.wait(0.01)
    keeper = int(Path(f"/proc/{{container.pid()}}/stat").read_text().split()[3])
    print(int(container.logs().stdout), flush=True)
    os.kill(keeper, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    daemon = os.pidfd_open(int(killed.stdout))
    assert len(venv.sweep()) == 1
    wait_for_the_end(daemon)
    os.close(daemon)
    assert os.listdir(tmp_path / "place") == []


def test_memory_is_limited(venv):
    code, _, _ = python(venv, "x = bytearray(300 << 20); print('had it')", resources=Resources(memory=100 << 20))
    assert code != 0


def test_a_program_that_is_not_there_is_an_error_of_ours(venv):
    with pytest.raises(SlimmlError, match="could not be started"):
        run(venv, "/no/such/program")


def test_mounts_and_users_are_unsupported(venv, tmp_path):
    for spec in (RunSpec(argv=("true",), mounts=(Mount(tmp_path, "/in"),)), RunSpec(argv=("true",), user="ann")):
        with venv.prepare(venv.image) as prepared, pytest.raises(Unsupported):
            venv.create(prepared, spec).__enter__()


def test_one_of_both_has_to_be_named(tmp_path):
    with pytest.raises(UsageError):
        HostEngine()


def test_a_directory_without_python_is_no_virtual_environment(tmp_path):
    with pytest.raises(NotFound, match="no bin/python"):
        HostEngine(venv=tmp_path)


def test_a_root_runs_in_a_runtime_and_stays_as_it_was(root, tmp_path):
    engine = HostEngine(root=root, place=tmp_path / "place")
    if engine.facts().runtime == "chroot":
        missing("neither runc nor crun works here")
    assert run(engine, "sh", "-c", "echo x > /made; cat /made") == (0, "x\n", "")
    assert not (root / "made").exists()


def test_a_root_without_a_runtime_is_changed_into(chrooting, root):
    said = run(chrooting, "/bin/sh", "-c", "echo x > /made; cat /made /proc/self/comm; id -u")
    assert said == (0, "x\ncat\n0\n", "")
    assert not (root / "made").exists()


def test_a_root_without_a_runtime_knows_its_users(chrooting):
    assert run(chrooting, "/bin/sh", "-c", "id -u; id -g; pwd", user="ann", directory="/srv")[1] == "1000\n1001\n/srv\n"


def test_two_services_of_a_root_listen_on_the_same_port(chrooting):
    spec = RunSpec(argv=tuple(SERVE))
    engine = chrooting
    with engine.prepare(engine.image) as it, engine.create(it, spec) as first, engine.create(it, spec) as second:
        for container in (first, second):
            container.start()
        assert [answer(container) for container in (first, second)] == [b"hello from inside\n"] * 2


def answer(container):
    while container.wait(0.01) is None:
        try:
            connection = container.connect(8000, WAIT)
        except ConnectionRefusedError:
            continue
        with connection:
            connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            return connection.makefile("rb").read().rpartition(b"\r\n")[2]
    return container.logs()


def test_the_devices_of_the_machine_outlive_a_root(chrooting, tmp_path):
    run(chrooting, "/bin/true")
    assert os.listdir(tmp_path / "place") == []
    assert Path("/dev/null").is_char_device()


def test_gpus_in_a_root_need_a_runtime(chrooting):
    with pytest.raises(Unavailable, match="runc or crun"):
        run(chrooting, "/bin/true", resources=Resources(gpus="all"))
