"""What engines are told to create, word for word."""

from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.engine.container import Mount, Resources, RunSpec
from slimml.engine.daemon.request import Circumstances, arguments, docker_request, podman_request
from slimml.engine.gpus import ALL, Gpus, cdi_names, docker_requests, parse_gpus
from slimml.engine.leftovers import LABEL, this_run
from slimml.errors import UsageError

IMAGE = tiny({"x": b""}, config={"config": {"Entrypoint": ["/serve"], "Cmd": ["--port", "1"]}})
HERE = Circumstances()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (RunSpec(), ["/serve", "--port", "1"]),
        (RunSpec(argv=("-v",)), ["/serve", "-v"]),
        (RunSpec(argv=()), ["/serve"]),
        (RunSpec(entrypoint=("/other",)), ["/other"]),
        (RunSpec(entrypoint=("/other",), argv=("a",)), ["/other", "a"]),
        (RunSpec(entrypoint=(), argv=("a", "b")), ["a", "b"]),
    ],
)
def test_words_are_joined_as_docker_joins_them(spec, expected):
    assert arguments(IMAGE, spec) == expected


def test_an_image_without_words_needs_some():
    with pytest.raises(UsageError, match="no command"):
        arguments(tiny({}, config={"config": {}}), RunSpec())


def test_nothing_is_sent_that_the_image_decides():
    body = docker_request(IMAGE, "sha256:1", RunSpec(), HERE)
    assert not {"User", "WorkingDir"} & body.keys()
    assert not {"Memory", "NanoCpus", "DeviceRequests", "Ulimits", "RestartPolicy"} & body["HostConfig"].keys()


def test_the_container_bears_its_owner():
    assert docker_request(IMAGE, "x", RunSpec(), HERE)["Labels"] == {LABEL: this_run()}
    assert podman_request(IMAGE, "x", RunSpec(), HERE, "n")["labels"] == {LABEL: this_run()}


def test_limits_are_in_the_engines_units():
    host = docker_request(IMAGE, "x", RunSpec(resources=Resources(memory=5, cpus=1.5)), HERE)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (5, 5, 1_500_000_000)


def test_relative_mounts_are_made_absolute():
    spec = RunSpec(mounts=(Mount(Path("here"), "/there"),))
    (mount,) = docker_request(IMAGE, "x", spec, HERE)["HostConfig"]["Mounts"]
    assert mount == {"Type": "bind", "Source": str(Path.cwd() / "here"), "Target": "/there", "ReadOnly": True}


def test_without_a_network_nothing_is_published():
    for spec, circumstances in (
        (RunSpec(ports=(80,), network=False), HERE),
        (RunSpec(ports=(80,)), Circumstances(network=False)),
    ):
        body = docker_request(IMAGE, "x", spec, circumstances)
        assert (body["HostConfig"]["NetworkMode"], body["ExposedPorts"]) == ("none", {})


def test_limits_of_processes_are_sent_where_the_engine_cannot_raise_them():
    circumstances = Circumstances(limits={"nofile": (1024, -1)})
    host = docker_request(IMAGE, "x", RunSpec(), circumstances)["HostConfig"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1024, "Hard": -1}]
    body = podman_request(IMAGE, "x", RunSpec(), circumstances, "n")
    assert body["r_limits"] == [{"type": "nofile", "soft": 1024, "hard": 2**64 - 1}]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("all", Gpus(count=ALL)),
        ("2", Gpus(count=2)),
        ("device=0,1", Gpus(devices=("0", "1"))),
        ('"device=GPU-3a23c669,1"', Gpus(devices=("GPU-3a23c669", "1"))),
        ("nvidia.com/gpu=0,nvidia.com/gpu=1", Gpus(cdi=("nvidia.com/gpu=0", "nvidia.com/gpu=1"))),
    ],
)
def test_words_for_gpus(words, expected):
    assert parse_gpus(words) == expected


@pytest.mark.parametrize("words", ["", "0", "-1", "some", "device=", "device=0,", "gpu=0", "nvidia.com/gpu"])
def test_other_words_are_a_usage_error(words):
    with pytest.raises(UsageError, match="names no GPUs"):
        parse_gpus(words)


def test_gpus_as_dockers_own_client_asks_for_them():
    common = {"Driver": "", "Capabilities": [["gpu"]], "Options": {}}
    assert docker_requests(Gpus(count=ALL)) == [common | {"Count": -1}]
    assert docker_requests(Gpus(devices=("0",))) == [common | {"Count": 0, "DeviceIDs": ["0"]}]
    assert docker_requests(Gpus(cdi=("a/b=c",))) == [{"Driver": "cdi", "DeviceIDs": ["a/b=c"]}]


def test_gpus_by_the_names_of_nvidias_toolkit():
    assert cdi_names(Gpus(count=ALL)) == ["nvidia.com/gpu=all"]
    assert cdi_names(Gpus(count=2)) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]
    assert cdi_names(Gpus(devices=("3",))) == ["nvidia.com/gpu=3"]
    assert cdi_names(Gpus(cdi=("a/b=c",))) == ["a/b=c"]
