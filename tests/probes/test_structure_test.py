"""container-structure-test's documents, read as its README describes them."""

import subprocess

import pytest

from slimml.engine.container import Mount
from slimml.errors import UsageError
from slimml.probes.probe import CommandProbe, Compare, ConfigPart, ConfigProbe, FileProbe
from slimml.probes.read import read_suite

README = r"""
schemaVersion: 2.0.0
globalEnvVars:
  - key: "PATH"
    value: "/env/bin:$PATH"
containerRunOptions:
  user: "root"
  privileged: true
  envFile: variables.env
  bindMounts: ["data:/etc/dir"]
commandTests:
  - name: "apt-get upgrade"
    command: "apt-get"
    args: ["-qqs", "upgrade"]
    envVars: [{key: A, value: "1"}]
    excludedOutput: [".*Inst.*Security.*"]
    excludedError: ["E:"]
    expectedError: ["W:"]
    exitCode: 2
fileExistenceTests:
- name: 'Root'
  path: '/'
  shouldExist: true
  permissions: 'drwxr-xr-x'
  uid: 1000
  gid: 1001
  isExecutableBy: 'group'
- name: 'gone'
  path: '/gone'
  shouldExist: false
fileContentTests:
- name: 'Debian Sources'
  path: '/etc/apt/sources.list'
  expectedContents: ['.*httpredir\.debian\.org.*']
  excludedContents: ['.*gce_debian_mirror.*']
metadataTest:
  envVars: [{key: foo, value: b.z}]
  unboundEnvVars: [{key: bar}]
  labels: [{key: build-date, value: '^\d{4}', isRegex: true}]
  exposedPorts: ["8080", 2345]
  unexposedPorts: ["22"]
  volumes: ["/test"]
  unmountedVolumes: ["/other"]
  entrypoint: []
  cmd: ["/bin/bash"]
  workdir: "/app"
  user: "luke"
licenseTests:
- debian: true
"""
EXPECTED_ONLY = Compare(ignore=("file:*",))


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "variables.env").write_text("# a comment\nB=2\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "tests.yaml").write_text(README)
    return read_suite(tmp_path / "tests.yaml")


def test_a_command_runs_alone(suite):
    assert suite.probes[0] == CommandProbe(
        "apt-get upgrade",
        ("apt-get", "-qqs", "upgrade"),
        environment={"A": "1"},
        code=2,
        excluded=(".*Inst.*Security.*",),
        errors=("W:",),
        excluded_errors=("E:",),
        alone=True,
    )


def test_files_that_have_to_exist_and_not(suite):
    assert suite.probes[1:3] == (
        FileProbe(
            "Root", "/", permissions="drwxr-xr-x", uid=1000, gid=1001, executable_by="group", compare=EXPECTED_ONLY
        ),
        FileProbe("gone", "/gone", there=False, compare=EXPECTED_ONLY),
    )


def test_contents_of_files(suite):
    assert suite.probes[3] == FileProbe(
        "Debian Sources",
        "/etc/apt/sources.list",
        contains=(r".*httpredir\.debian\.org.*",),
        excluded=(".*gce_debian_mirror.*",),
        compare=EXPECTED_ONLY,
    )


def test_the_image_s_configuration(suite):
    assert suite.probes[4] == ConfigProbe(
        "metadataTest",
        (
            ConfigPart("env:foo", r"\Ab\.z\Z"),
            ConfigPart("label:build-date", r"^\d{4}"),
            ConfigPart("env:bar", None),
            ConfigPart("port:8080", ""),
            ConfigPart("port:2345", ""),
            ConfigPart("port:22", None),
            ConfigPart("volume:/test", ""),
            ConfigPart("volume:/other", None),
            ConfigPart("entrypoint", r"\A\[\]\Z"),
            ConfigPart("cmd", r'\A\["/bin/bash"\]\Z'),
            ConfigPart("workdir", r"\A/app\Z"),
            ConfigPart("user", r"\Aluke\Z"),
        ),
    )


def test_options_of_the_containers(suite, tmp_path):
    assert (suite.user, suite.mounts) == ("root", (Mount(tmp_path / "data", "/etc/dir"),))
    assert (suite.environment, suite.substitute) == ({"B": "2", "PATH": "/env/bin:$PATH"}, True)


def test_what_nobody_checks_is_said(suite):
    assert suite.not_checked == (
        "containerRunOptions.privileged: not given to containers",
        "licenseTests: slimml does not judge licences",
    )


def run(tmp_path, steps):
    """The command of a test with setup and teardown, run by this machine's shell."""
    (tmp_path / "t.yaml").write_text(f"schemaVersion: 2.0.0\ncommandTests:\n- name: x\n  command: cat\n{steps}")
    (probe,) = read_suite(tmp_path / "t.yaml").probes
    return subprocess.run(probe.argv, capture_output=True, check=False, cwd=tmp_path)


def test_setup_comes_before_and_says_nothing(tmp_path):
    ended = run(tmp_path, '  args: [f]\n  setup: [["sh", "-c", "echo noise; echo \'it is\' >f"]]\n')
    assert (ended.returncode, ended.stdout) == (0, b"it is\n")


def test_a_setup_that_fails_ends_the_test(tmp_path):
    assert run(tmp_path, '  args: [f]\n  setup: [["false"]]\n').returncode == 125


def test_teardown_comes_after_and_keeps_the_code(tmp_path):
    ended = run(tmp_path, '  args: [none]\n  teardown: [["touch", "torn down"]]\n')
    assert (ended.returncode, (tmp_path / "torn down").exists()) == (1, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schemaVersion: 1.0.0\n", "schemaVersion should be 2.0.0"),
        ("schemaVersion: 2.0.0\n", "there are no tests in it"),
        ("a: [\n", "is not YAML"),
        ("- 1\n", "should be a table"),
        ("schemaVersion: 2.0.0\ncomandTests: []\n", "unknown key 'comandTests'; did you mean 'commandTests'?"),
        ("schemaVersion: 2.0.0\ncommandTests: [{name: a, command: b, setup: [x]}]\n", "'setup' should be a list of"),
        ("schemaVersion: 2.0.0\ncommandTests: [{command: b}]\n", "'name' is missing"),
        ("schemaVersion: 2.0.0\ncontainerRunOptions: {bindMounts: ['/etc:/etc']}\n", "below the file's own directory"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, message):
    (tmp_path / "tests.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        read_suite(tmp_path / "tests.yaml")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "place",
    [
        "x: *a50",
        "schemaVersion: *a50",
        "globalEnvVars: [{key: a, value: *a50}]",
        "commandTests: *a50",
        "metadataTest: {labels: [{key: a, value: *a50}]}",
        "metadataTest: {exposedPorts: *a50}",
        "metadataTest: {cmd: *a50}",
    ],
)
def test_a_document_of_many_references_costs_little(tmp_path, place):
    rows = ["  - &a0 [x, x]"] + [f"  - &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    version = "" if place.startswith("schema") else "schemaVersion: 2.0.0\n"
    (tmp_path / "bomb.yaml").write_text("licenseTests:\n" + "\n".join(rows) + f"\n{version}{place}\n")
    with pytest.raises(UsageError):
        read_suite(tmp_path / "bomb.yaml")
