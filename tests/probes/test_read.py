"""Probes out of TOML: what is written, what is refused, and in which words."""

import json

import pytest

from slimml.engine.container import Mount, Resources
from slimml.errors import NotFound, UsageError
from slimml.probes.probe import BatchProbe, CommandProbe, Compare, FileProbe, HttpProbe, Ready
from slimml.probes.read import has_probes, read_suite


@pytest.fixture
def read(tmp_path):
    """The suite of this text, as probes.toml."""

    def reading(text, name="probes.toml", port=None):
        path = tmp_path / name
        path.write_text(text)
        return read_suite(path, port)

    return reading


def only(suite):
    (probe,) = suite.probes
    return probe


def test_a_request_with_json(read):
    probe = only(read('[service]\nport = 8000\n[[http]]\npath = "/rank"\njson = { items = [1, 2] }\n'))
    assert probe == HttpProbe(
        name="POST /rank",
        path="/rank",
        port=8000,
        method="POST",
        headers={"Content-Type": "application/json"},
        body=b'{"items": [1, 2]}',
    )


def test_requests_alone_make_their_port_the_sign_of_readiness(read):
    assert read('[[http]]\npath = "/"\nport = 80\n').ready == Ready(tcp=80)


def test_the_port_of_the_image_serves_where_the_file_names_none(read):
    suite = read('[ready]\nhttp = "/health"\n[[http]]\npath = "/"\n', port=5000)
    assert (suite.ready.port, only(suite).port) == (5000, 5000)


def test_a_file_is_sent_with_its_media_type(read, tmp_path):
    (tmp_path / "receipt.png").write_bytes(b"\x89PNG")
    probe = only(read('[[http]]\nport = 1\npath = "/read"\nfile = "receipt.png"\n'))
    assert (probe.body, probe.headers) == (b"\x89PNG", {"Content-Type": "image/png"})


def test_a_header_of_ones_own_wins(read):
    probe = only(read('[[http]]\nport=1\npath="/"\nbody="x"\nheaders={content-type="text/csv"}\n'))
    assert probe.headers == {"content-type": "text/csv"}


def test_files_make_a_form_of_parts(read, tmp_path):
    import email.policy

    (tmp_path / "a.txt").write_bytes(b"hello\r\n")
    probe = only(read('[[http]]\nport=1\npath="/"\nform={ n = 3 }\nfiles={ upload = "a.txt" }\n'))
    head = b"Content-Type: " + probe.headers["Content-Type"].encode() + b"\r\n\r\n"
    parts = list(email.message_from_bytes(head + probe.body, policy=email.policy.HTTP).iter_parts())
    told = [(part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts]
    assert told == [("n", b"3"), ("upload", b"hello\r\n")]


def test_a_form_without_files_is_urlencoded(read):
    probe = only(read('[[http]]\nport=1\npath="/"\nform={ a = "b c" }\n'))
    assert (probe.body, probe.method) == (b"a=b+c", "POST")


def test_expectations_and_tolerances(read):
    probe = only(
        read(
            '[[http]]\nport=1\npath="/"\nstatus=404\ncontains="none"\ntolerance={relative=0.01, absolute=0.5}\n'
            'ignore=["json:/time", "header:x-id"]\ntimeout=3\n'
        )
    )
    assert (probe.status, probe.contains, probe.timeout) == (404, ("none",), 3)
    assert probe.compare == Compare(0.01, 0.5, ("json:/time", "header:x-id"))


def test_the_service_and_its_resources(read, tmp_path):
    (tmp_path / "models").mkdir()
    suite = read(
        '[service]\nport=1\ncommand="run --fast"\nenvironment={ N = 2 }\nuser="app"\nmounts={ "/m" = "models" }\n'
        'network=false\nmemory="2g"\ncpus=1.5\ngpus="all"\n[[http]]\npath="/"\n'
    )
    assert (suite.argv, suite.environment) == (("/bin/sh", "-c", "run --fast"), {"N": "2"})
    assert (suite.user, suite.network, suite.mounts) == ("app", False, (Mount(tmp_path / "models", "/m"),))
    assert suite.resources == Resources(2 << 30, 1.5, "all")


def test_commands_run_alone_where_there_is_no_service(read):
    assert only(read('[[command]]\nrun=["python", "-c", "import x"]\n')) == CommandProbe(
        "python -c import x", ("python", "-c", "import x"), code=0, alone=True
    )


def test_commands_run_in_the_service_where_there_is_one(read):
    assert not only(read('[ready]\nlog="started"\n[[command]]\nrun="true"\n')).alone


def test_a_batch_with_inputs_and_outputs(read, tmp_path):
    (tmp_path / "new.csv").write_text("a\n")
    probe = only(read('[[batch]]\nrun=["job"]\ninputs={ "/in/new.csv" = "new.csv" }\noutputs=["/out/*.csv"]\n'))
    assert probe == BatchProbe(
        "job", ("job",), mounts=(Mount(tmp_path / "new.csv", "/in/new.csv"),), outputs=("/out/*.csv",)
    )


def test_a_service_that_is_ready_when_it_ended_is_a_batch(read):
    suite = read("[ready]\nexit=true\ntimeout=9\n")
    assert (suite.ready, only(suite)) == (None, BatchProbe("the image's command", timeout=9))


def test_a_file_of_the_image(read):
    probe = only(read('[[file]]\npath="/etc/app.ini"\ncontent="debug *= *0"\nno-content=["secret"]\nuid=0\n'))
    assert probe == FileProbe("/etc/app.ini", "/etc/app.ini", contains=("debug *= *0",), excluded=("secret",), uid=0)


def test_probes_of_one_name_are_numbered(read):
    suite = read('[service]\nport=1\n[[http]]\npath="/"\n[[http]]\npath="/"\n')
    assert [probe.name for probe in suite.probes] == ["GET /", "GET / (2)"]


@pytest.mark.parametrize(
    ("name", "prefix"), [("slimml.toml", "probes"), ("pyproject.toml", "tool.slimml.probes"), ("own.toml", "probes")]
)
def test_probes_stand_beside_settings(read, name, prefix):
    text = f'[{prefix}.service]\nport = 1\n[[{prefix}.http]]\npath = "/"\n'
    assert only(read(text, name)).name == "GET /"


def test_a_file_of_settings_need_not_have_probes(tmp_path):
    (tmp_path / "slimml.toml").write_text("quiet = true\n")
    assert not has_probes(tmp_path / "slimml.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no probes; give at least one [[http]]"),
        ("[[htpp]]\n", "unknown key 'htpp'; did you mean 'http'?"),
        ('[[http]]\nport=1\npath="/"\nstauts=2\n', "http 1: unknown key 'stauts'; did you mean 'status'?"),
        ('[[http]]\npath="/"\n', "http 1: 'port' is missing"),
        ('[[http]]\nport=1\npath="x"\n', "'path' should be such as /path?query"),
        ('[[http]]\nport=1\npath="/a b"\n', "'path' should be such as /path?query"),
        ('[[http]]\nport=70000\npath="/"\n', "'port' should be from 1 to 65535, is 70000"),
        ('[[http]]\nport=1\npath="/"\nmethod="GET / HTTP"\n', "is no method"),
        ('[[http]]\nport=1\npath="/"\nheaders={ a = "b\\r\\nc" }\n', "'a' is no header"),
        ('[[http]]\nport=1\npath="/"\nbody="x"\njson=1\n', "give 'json' or 'body', not both"),
        ('[[http]]\nport=1\npath="/"\njson=2020-01-01\n', "'json' holds what JSON cannot"),
        ('[[http]]\nport=1\npath="/"\nignore="date"\n', "'ignore' has 'date'; it takes"),
        ('[[http]]\nport=1\npath="/"\nignore="json:date"\n', "should be a JSON pointer"),
        ('[[http]]\nport=1\npath="/"\ntimeout="long"\n', "'timeout' should be a number"),
        ("[[command]]\n", "command 1: 'run' is missing"),
        ('[[command]]\nrun="x"\nalone=false\n', "runs in the service; say when that is ready"),
        ('[[command]]\nrun="x"\nstdin="y"\n', "'stdin' is for commands in the running service"),
        ('[[command]]\nrun="x"\noutput="("\n', "'output' is no regular expression"),
        ('[[file]]\npath="etc"\n', "should be an absolute path"),
        ('[[file]]\npath="/x"\npermissions="644"\n', "should be such as '-rw-r--r--'"),
        ("[ready]\nexit=true\n[[http]]\nport=1\npath='/'\n", "answers no [[http]] probes"),
        ("[ready]\nhttp='/'\ntcp=3\n", "give 'http' or 'tcp', not both"),
        ("[ready]\ntimeout=3\n", "say when the service is ready"),
        ("[service]\nmemory='much'\n", "'memory' should be bytes or such as '512m'"),
        ("service = 1\n", "[service] should be a table, is 1"),
        ("[[http]\n", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(read, text, message):
    with pytest.raises(UsageError) as error:
        read(text)
    assert message in str(error.value)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "link", "linked/secret"])
@pytest.mark.parametrize("table", ["[[http]]\nport=1\npath='/'\nfile='{}'\n", "[[batch]]\ninputs={{ '/x' = '{}' }}\n"])
def test_files_come_from_below_the_directory_only(tmp_path, path, table):
    (tmp_path / "secret").write_text("key")
    inside = tmp_path / "checkout"
    inside.mkdir()
    (inside / "link").symlink_to("../secret")
    (inside / "linked").symlink_to("..")
    (inside / "probes.toml").write_text(table.format(path))
    with pytest.raises(UsageError, match="below"):
        read_suite(inside / "probes.toml")


def test_mounts_are_read_only(read, tmp_path):
    (tmp_path / "data").mkdir()
    (mount,) = only(read('[[batch]]\ninputs={ "/data" = "data" }\n')).mounts
    assert not mount.writable


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotFound, match="slimml init"):
        read_suite(tmp_path / "none.toml")


def test_json_bodies_keep_their_letters(read):
    probe = only(read('[[http]]\nport=1\npath="/"\njson={ text = "Grüße" }\n'))
    assert json.loads(probe.body) == {"text": "Grüße"}
