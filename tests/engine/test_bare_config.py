"""What a container is told to run, as whom and with what, from the image's configuration and a RunSpec."""

import json
import os

import pytest
from tiny_image import tiny

from slimml.engine.bare.accounts import Account, find_account
from slimml.engine.bare.bundle import Additions, Surroundings, config_json, process_json
from slimml.engine.bare.devices import gpu_additions
from slimml.engine.bare.process import Process, further_process, main_process
from slimml.engine.bare.runtime import exec_code, last_error
from slimml.engine.container import Mount, Resources, RunSpec
from slimml.engine.keeper.identity import granted_ids
from slimml.errors import InvalidImage, Unavailable, UsageError

FILES = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\nbroken\n",
    "/etc/group": b"root:x:0:\nann:x:1001:\nvideo:x:44:bob,ann\nann2:x:45:ann2\n",
}
ALONE = Surroundings("merged", "/group", rootless=False, one_user=False, network=True, unified=False)


def account(wanted):
    return find_account(lambda path: FILES.get(path, b""), wanted)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", Account(0, 0, (), "/root")),
        ("ann", Account(1000, 1001, (44,), "/home/ann")),
        ("1000", Account(1000, 1001, (44,), "/home/ann")),
        ("ann:video", Account(1000, 44, (), "/home/ann")),
        ("ann:7", Account(1000, 7, (), "/home/ann")),
        ("4711", Account(4711, 0, (), "/")),
        ("4711:4712", Account(4711, 4712, (), "/")),
    ],
)
def test_users_are_found_as_docker_finds_them(wanted, found):
    assert account(wanted) == found


@pytest.mark.parametrize("wanted", ["eve", "ann:eves", "99999999999", "-1"])
def test_nobody_is_made_up(wanted):
    with pytest.raises(UsageError):
        account(wanted)


def test_an_image_without_accounts_has_root():
    assert find_account(lambda _: b"", "") == Account(0, 0, (), "/")


def process(tmp_path, config, **spec):
    return main_process(tiny({}, config={"config": config}), RunSpec(**spec), tmp_path)


@pytest.mark.parametrize(
    ("config", "spec", "argv"),
    [
        ({"Cmd": ["a", "b"]}, {}, ("a", "b")),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {}, ("e", "a")),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"argv": ("x",)}, ("e", "x")),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"entrypoint": ("x",)}, ("x",)),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"entrypoint": ("x",), "argv": ("y",)}, ("x", "y")),
        ({"Entrypoint": ["e"]}, {"entrypoint": (), "argv": ("y",)}, ("y",)),
    ],
)
def test_entrypoint_and_command_are_joined(tmp_path, config, spec, argv):
    assert process(tmp_path, config, **spec).argv == argv


def test_no_command_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no command"):
        process(tmp_path, {})


def test_variables_that_programs_count_on_are_there(tmp_path):
    found = process(tmp_path, {"Cmd": ["a"]}).environment
    assert (found["HOME"], found["HOSTNAME"], "/usr/bin" in found["PATH"].split(":")) == ("/", "slimml", True)


def test_the_spec_has_the_last_word_on_variables(tmp_path):
    config = {"Cmd": ["a"], "Env": ["A=1", "PATH=/mine", "HOME=/h"]}
    found = process(tmp_path, config, environment={"A": "2"}).environment
    assert (found["A"], found["PATH"], found["HOME"]) == ("2", "/mine", "/h")


@pytest.mark.parametrize(("named", "found"), [("", "/"), ("app", "/app"), ("/app", "/app")])
def test_the_directory_is_absolute(tmp_path, named, found):
    assert process(tmp_path, {"Cmd": ["a"], "WorkingDir": named}).directory == found


def test_a_link_to_the_hosts_accounts_is_not_followed(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").symlink_to("../../../../../../../../etc/passwd")
    with pytest.raises(UsageError):
        process(tmp_path, {"Cmd": ["a"], "User": "daemon"})


def test_a_further_process_is_like_the_first():
    main = Process(("a",), {"A": "1", "HOME": "/root"}, "/work", Account(0, 0, (), "/root"))
    read = FILES.get
    found = further_process(main, ("b",), read, environment={"B": "2"}, user="ann", directory=None)
    assert found == Process(("b",), {"A": "1", "B": "2", "HOME": "/home/ann"}, "/work", account("ann"))


def document(**changes):
    told = {
        "mounts": (),
        "etc": {"/etc/hosts": "/place/hosts"},
        "resources": Resources(),
        "additions": Additions(),
    } | changes
    surroundings = told.pop("surroundings", ALONE)
    return config_json(Process(("a",), {"A": "1"}, "/", account("ann")), surroundings, **told)


def test_limits_are_those_of_the_resources():
    found = document(resources=Resources(memory=1 << 30, cpus=1.5))["linux"]["resources"]
    assert (found["memory"], found["cpu"]) == ({"limit": 1 << 30}, {"quota": 150_000, "period": 100_000})


def test_who_is_not_root_has_no_capabilities_in_effect():
    found = document()["process"]
    assert (found["user"], found["capabilities"]["effective"]) == (
        {"uid": 1000, "gid": 1001, "additionalGids": [44, 1001]},
        [],
    )


def test_one_user_is_all_that_a_bare_namespace_has():
    alone = Surroundings("merged", None, rootless=True, one_user=True, network=True, unified=True)
    found = document(surroundings=alone)
    assert found["process"]["user"] == {"uid": 0, "gid": 0}
    assert not [mount for mount in found["mounts"] if "gid=5" in mount["options"] or mount["type"] == "cgroup"]
    assert "cgroupsPath" not in found["linux"]


def test_a_shared_network_is_no_namespace():
    shared = Surroundings("merged", None, rootless=True, one_user=True, network=False, unified=True)
    found = document(surroundings=shared)
    assert {"type": "network"} not in found["linux"]["namespaces"]
    assert "sysctl" not in found["linux"]


def test_mounts_are_read_only_unless_they_say_otherwise(tmp_path):
    found = document(mounts=(Mount(tmp_path, "/in"), Mount(tmp_path, "/out", writable=True)))["mounts"][-2:]
    assert [(mount["destination"], mount["options"][-1]) for mount in found] == [("/in", "ro"), ("/out", "rw")]


NODE = {"path": "/dev/nvidia0", "hostPath": "/dev/zero"}
CDI = {
    "cdiVersion": "0.5.0",
    "kind": "nvidia.com/gpu",
    "containerEdits": {
        "env": ["NVIDIA_VISIBLE_DEVICES=void"],
        "mounts": [{"hostPath": "/lib/libcuda.so.1", "containerPath": "/lib/libcuda.so.1", "options": ["ro", "bind"]}],
        "hooks": [{"hookName": "createContainer", "path": "/bin/true", "args": ["true", "a"]}],
    },
    "devices": [
        {"name": "0", "containerEdits": {"deviceNodes": [NODE]}},
        {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/null"}]}},
        {"name": "all", "containerEdits": {"deviceNodes": [NODE, {"path": "/dev/null"}]}},
    ],
}


@pytest.fixture(params=["json", "yaml"])
def specs(request, tmp_path):
    import yaml

    text = json.dumps(CDI) if request.param == "json" else yaml.safe_dump(CDI)
    (tmp_path / f"nvidia.{request.param}").write_text(text)
    return (tmp_path / "not-there", tmp_path)


@pytest.mark.parametrize(
    ("gpus", "paths"),
    [
        ("all", ["/dev/nvidia0", "/dev/null"]),
        ("1", ["/dev/nvidia0"]),
        ("2", ["/dev/nvidia0", "/dev/null"]),
        ("device=1", ["/dev/null"]),
        ("nvidia.com/gpu=0", ["/dev/nvidia0"]),
    ],
)
def test_gpus_are_devices_of_a_cdi_specification(specs, gpus, paths):
    found = gpu_additions(gpus, specs)
    assert [device["path"] for device in found.devices] == paths
    assert found.environment == {"NVIDIA_VISIBLE_DEVICES": "void"}
    assert [mount["destination"] for mount in found.mounts] == ["/lib/libcuda.so.1"]
    assert found.hooks == {"createContainer": [{"path": "/bin/true", "args": ["true", "a"]}]}


def test_a_device_is_that_of_this_machine_under_its_name(specs):
    (device,) = gpu_additions("1", specs).devices
    zero = os.stat("/dev/zero").st_rdev
    assert (device["path"], device["type"], device["major"], device["minor"]) == (
        "/dev/nvidia0",
        "c",
        os.major(zero),
        os.minor(zero),
    )


def test_devices_are_allowed_by_name_only(specs):
    additions = gpu_additions("1", specs)
    allowed = document(additions=additions)["linux"]["resources"]["devices"]
    assert [rule["allow"] for rule in allowed] == [False, True]


def test_without_a_specification_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no device nvidia.com/gpu=all .*nvidia-ctk cdi generate"):
        gpu_additions("all", (tmp_path,))


def test_without_a_specification_nvidias_hook_is_called(tmp_path, monkeypatch):
    hook = tmp_path / "nvidia-container-runtime-hook"
    hook.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = gpu_additions("device=0,1", (tmp_path,))
    assert found.environment["NVIDIA_VISIBLE_DEVICES"] == "0,1"
    assert found.hooks["prestart"][0]["path"] == str(hook)


def test_a_broken_specification_is_an_error_of_ours(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(InvalidImage, match=r"broken\.yaml"):
        gpu_additions("all", (tmp_path,))


def test_no_gpus_need_no_specification(tmp_path):
    assert gpu_additions(None, (tmp_path,)) == Additions()


def test_a_further_process_has_what_the_devices_add():
    additions = Additions(environment={"NVIDIA_VISIBLE_DEVICES": "void"}, groups=(7,))
    found = process_json(Process(("b",), {}, "/", account("ann")), ALONE, additions)
    assert ("NVIDIA_VISIBLE_DEVICES=void" in found["env"], found["user"]["additionalGids"]) == (True, [7, 44, 1001])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('exec: "x": executable file not found in $PATH', 127),
        ("executable file `x` not found in $PATH: No such file or directory", 127),
        ('exec: "/etc/passwd": permission denied', 126),
        ("open executable: Permission denied", 126),
        ("exec /x: exec format error", 126),
        ("something else", 126),
    ],
)
def test_what_kept_a_program_from_running_is_a_shells_code(message, code):
    assert exec_code(message) == code


def test_the_last_error_of_a_log_is_told(tmp_path):
    log = tmp_path / "log"
    log.write_text('{"level":"warning","msg":"w"}\n{"level":"error","msg":"one\\ntwo"}\n{"level":"info","msg":"i"}\n')
    assert (last_error(log), last_error(tmp_path / "none")) == ("one two", "")


def test_granted_ids_are_those_of_this_user(tmp_path, monkeypatch):
    for name in ("newuidmap", "newgidmap"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "subuid").write_text(f"nobody-else:1:2\n{os.getuid()}:100000:65536\n")
    (tmp_path / "subgid").write_text(f"{os.getuid()}:200000:10\n")
    found = granted_ids(tmp_path)
    assert (found.users, found.groups) == ((100000, 65536), (200000, 10))


def test_without_a_grant_there_is_none(tmp_path):
    assert granted_ids(tmp_path) is None
