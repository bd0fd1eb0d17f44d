"""Docker and Podman mount a container's root as it starts: it is watched before the first program all the same."""

import pytest
from busybox_image import busybox_image
from layered_image import file, tar_of

from slimml.engine.choose import find_engine
from slimml.engine.container import RunSpec
from slimml.engine.daemon.running import running_container
from slimml.errors import NotFound, Unavailable
from slimml.oci.transfer import Access
from slimml.probes.probe import BatchProbe, CommandProbe, Ready, Suite
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record, record_running
from slimml.usage.recording import RUNNING, Operation, Workload

SERVICE = Suite(
    (CommandProbe("inside", ("cat", "/data/inside")),),
    "test",
    ready=Ready(tcp=8000, timeout=60),
    argv=("sh", "-c", "cat /data/first; exec httpd -f -p 8000 -h /srv"),
)


@pytest.fixture(scope="module")
def image():
    data = [file(f"data/{name}") for name in ("first", "inside", "batch", "volume/kept", "untouched")]
    return busybox_image({"Volumes": {"/data/volume": {}}}, [tar_of(data)])


@pytest.fixture
def engine(daemon):
    return find_engine("auto", Access(engine=daemon.url))


def by_path(recording):
    return {use.path: use.operations for use in recording.uses}


def test_the_first_program_and_all_after_it_are_recorded(engine, image):
    recording = record(engine, image, SERVICE, find_recorder(engine))
    found = by_path(recording)
    assert recording.complete, recording.lost
    assert found["bin/busybox"] & Operation.EXEC
    assert {"data/first", "data/inside"} <= found.keys()
    assert "data/untouched" not in found


def test_containers_of_batches_are_recorded_each(engine, image):
    batches = tuple(BatchProbe(name, argv=("cat", f"/data/{name}")) for name in ("first", "batch"))
    recording = record(engine, image, Suite(batches, "test"), find_recorder(engine))
    assert recording.complete, recording.lost
    assert {"data/first", "data/batch"} <= by_path(recording).keys()


def test_what_is_in_a_volume_counts_as_used(engine, image):
    recording = record(engine, image, Suite((BatchProbe("b", argv=("true",)),), "test"), find_recorder(engine))
    assert by_path(recording)["data/volume/kept"] & Operation.OPEN


def test_the_engine_itself_uses_nothing(engine, image):
    batch = BatchProbe("b", argv=("sh", "-c", "echo x > /data/out"), outputs=("/data/out",))
    recording = record(engine, image, Suite((batch,), "test"), find_recorder(engine))
    assert not [use.path for use in recording.uses if "overlay" in use.path or "containers/storage" in use.path]


def test_a_container_that_runs_can_be_recorded_from_now_on(engine, image):
    with engine.prepare(image) as prepared, engine.create(prepared, RunSpec(argv=("sleep", "60"))) as container:
        container.start()
        running = running_container(engine, container.id)
        assert running.image == str(image.config.digest)

        def drive():
            assert container.execute(("cat", "/data/inside")).code == 0

        found = record_running(
            engine, image, running.root, find_recorder(engine, "fanotify"), drive, workload=Workload("test", ())
        )
    assert "data/inside" in by_path(found)
    assert "data/first" not in by_path(found)
    assert found.lost == (RUNNING,)


def test_a_container_that_does_not_run_cannot_be_attached_to(engine, image):
    with (
        engine.prepare(image) as prepared,
        engine.create(prepared, RunSpec(argv=("true",))) as container,
        pytest.raises(NotFound, match="does not run"),
    ):
        running_container(engine, container.id)


@pytest.mark.parametrize("name", ["notify", "strace"])
def test_recorders_of_bare_runtimes_say_so(engine, name):
    with pytest.raises(Unavailable, match="--runtime runc"):
        find_recorder(engine, name)
