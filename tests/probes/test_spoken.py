"""Probes as they are said on a command line."""

import pytest

from slimml.errors import NotFound, UsageError
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Ready
from slimml.probes.spoken import spoken_ready, spoken_request, spoken_suite


@pytest.mark.parametrize(
    ("words", "probe"),
    [
        ("/a?b=c", HttpProbe("GET /a?b=c", "/a?b=c", 80)),
        ("get /a", HttpProbe("GET /a", "/a", 80)),
        ("DELETE :8080/a", HttpProbe("DELETE /a", "/a", 8080, method="DELETE")),
        ('/a {"x": 1}', HttpProbe("POST /a", "/a", 80, "POST", {"Content-Type": "application/json"}, b'{"x": 1}')),
        ("PUT /a hello", HttpProbe("PUT /a", "/a", 80, "PUT", {"Content-Type": "text/plain; charset=utf-8"}, b"hello")),
    ],
)
def test_requests(words, probe):
    assert spoken_request(words, 80) == probe


def test_a_body_out_of_a_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    probe = spoken_request(f"POST /a @{tmp_path}/a.png", 80)
    assert (probe.body, probe.headers) == (b"\x89PNG", {"Content-Type": "image/png"})


@pytest.mark.parametrize("words", ["", "GET", "GET a", "GET /a b\0/".replace("/a b", "a"), "GET http://x/", "/ü"])
def test_what_is_no_request(words):
    with pytest.raises(UsageError, match="not such as"):
        spoken_request(words, 80)


def test_a_request_needs_a_port():
    with pytest.raises(UsageError, match="exposes no single port; say it: 'GET :8000/a'"):
        spoken_request("/a", None)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotFound):
        spoken_request(f"/a @{tmp_path}/none", 80)


@pytest.mark.parametrize(
    ("words", "ready"),
    [
        ("/up", Ready(http="/up", port=80)),
        (":81/up", Ready(http="/up", port=81)),
        ("8000", Ready(tcp=8000)),
        ("tcp:8000", Ready(tcp=8000)),
        ("log:started in .*s", Ready(log="started in .*s")),
        ("exit", Ready(exit=True)),
    ],
)
def test_signs_of_readiness(words, ready):
    assert spoken_ready(words, 80) == ready


@pytest.mark.parametrize("words", ["soon", "0", "70000", "log:", "log:(", "http://x"])
def test_what_is_no_sign_of_readiness(words):
    with pytest.raises(UsageError, match="--ready"):
        spoken_ready(words, 80)


def test_requests_wait_for_their_port():
    assert spoken_suite(["/a"], [], None, 80).ready == Ready(tcp=80)


def test_commands_are_split_as_a_shell_does():
    suite = spoken_suite([], ["python -c 'import x'"], None, None)
    assert suite.probes == (CommandProbe("python -c 'import x'", ("python", "-c", "import x"), code=0, alone=True),)


def test_commands_run_in_the_service_where_there_is_one():
    assert not spoken_suite([], ["true"], "8000", None).probes[0].alone


def test_readiness_by_a_path_is_a_probe_by_itself():
    assert spoken_suite([], [], "/up", 80).probes == (HttpProbe("GET /up", "/up", 80),)


def test_an_end_is_a_batch():
    suite = spoken_suite([], [], "exit", None)
    assert (suite.ready, suite.probes) == (None, (BatchProbe("the image's command"),))


@pytest.mark.parametrize(("requests", "ready"), [([], "8000"), (["/a"], "exit")])
def test_what_asks_nothing(requests, ready):
    with pytest.raises(UsageError, match="--ready"):
        spoken_suite(requests, [], ready, 80)
