"""Requests for GPUs reach the engines in the right form, as far as a machine without a GPU can tell."""

import json
from pathlib import Path

import pytest

from slimml.engine.container import Mount, Resources, RunSpec
from slimml.errors import SlimmlError

WAIT = 60
SPEC = Path("/var/run/cdi/slimml-test.json")


def gpus(words):
    return Resources(gpus=words, memory=64 << 20, cpus=0.5)


@pytest.fixture
def cdi_device():
    """A device that CDI knows, which is nothing but a variable in the environment."""
    SPEC.parent.mkdir(exist_ok=True)
    device = {"name": "one", "containerEdits": {"env": ["DEVICE=one"]}}
    SPEC.write_text(json.dumps({"cdiVersion": "0.5.0", "kind": "slimml.test/gpu", "devices": [device]}))
    yield "slimml.test/gpu=one"
    SPEC.unlink()


@pytest.mark.parametrize("words", ["all", "1", "device=0"])
def test_a_docker_without_gpus_is_told_what_to_install(docker, words):
    expected = r"no GPU to give; install the NVIDIA Container Toolkit .*could not select device driver"
    with pytest.raises(SlimmlError, match=expected), docker.started("true", resources=gpus(words)):
        pass


@pytest.mark.parametrize("words", ["all", "2", "device=0", "nvidia.com/gpu=0"])
def test_a_podman_without_gpus_is_told_what_to_install(podman, words):
    expected = r"no such GPU; install the NVIDIA Container Toolkit .*nvidia-ctk cdi generate.*nvidia.com/gpu="
    with pytest.raises(SlimmlError, match=expected), podman.started("true", resources=gpus(words)):
        pass


def test_docker_gets_the_request_of_its_own_client(docker):
    with docker.engine.create(docker.prepared, RunSpec(resources=gpus("device=0,1"))) as container:
        host = json.loads(docker.api.call("GET", f"/containers/{container.id}/json"))["HostConfig"]
    expected = {"Driver": "", "Count": 0, "DeviceIDs": ["0", "1"], "Capabilities": [["gpu"]], "Options": {}}
    assert host["DeviceRequests"] == [expected]


def test_a_docker_without_cdi_is_told_of(docker):
    wanted = gpus("nvidia.com/gpu=0")
    with pytest.raises(SlimmlError, match="update it to 25 or newer"), docker.started("true", resources=wanted):
        pass


def test_podman_gives_a_device_by_its_cdi_name(podman, cdi_device, tmp_path):
    (tmp_path / "file").write_text("mounted")
    spec = {
        "resources": gpus(cdi_device),
        "environment": {"A": "b"},
        "user": "ann",
        "directory": "/srv",
        "mounts": (Mount(tmp_path / "file", "/file"),),
        "ports": (8000,),
    }
    with podman.started("echo $DEVICE $A; id -u; pwd; hostname; cat /file; touch /file", **spec) as container:
        assert container.wait(WAIT).code == 1
        assert container.logs().stdout == b"one b\n1000\n/srv\nslimml\nmounted"
        inspected = json.loads(podman.api.call("GET", f"/containers/{container.id}/json"))
    assert inspected["HostConfig"]["Memory"] == 64 << 20
    assert inspected["HostConfig"]["CpuQuota"] * 2 == inspected["HostConfig"]["CpuPeriod"]
    assert inspected["NetworkSettings"]["Ports"]["8000/tcp"][0]["HostIp"] == "127.0.0.1"


def test_podman_gives_a_device_without_a_network_too(podman, cdi_device):
    with podman.started("cat /proc/net/dev", resources=gpus(cdi_device), network=False) as container:
        assert container.wait(WAIT).code == 0
        assert len(container.logs().stdout.splitlines()) == 3
