"""Which service an image's configuration tells of."""

import pytest
from tiny_image import tiny

from slimml.probes.healthcheck import Healthcheck, healthcheck_of
from slimml.probes.programs import Service, command_words, service_of


def image(**runtime):
    return tiny({"x": b""}, config={"config": runtime})


@pytest.mark.parametrize(
    ("command", "service"),
    [
        ("uvicorn app:app --host 0.0.0.0 --port 9000", Service("uvicorn", 9000, None)),
        ("python3 -m uvicorn app:app --port=9001", Service("uvicorn", 9001, None)),
        ("/opt/venv/bin/gunicorn -k uvicorn.workers.UvicornWorker -b 0.0.0.0:81 a:b", Service("gunicorn", 81, None)),
        ("gunicorn -b:82 a:b", Service("gunicorn", 82, None)),
        ("gunicorn --bind=unix:/x a:b", Service("gunicorn", 8000, None)),
        ("flask --app app run", Service("flask", 5000, None)),
        ("fastapi run main.py", Service("fastapi", 8000, None)),
        ("streamlit run ui.py --server.port 80", Service("streamlit", 80, "/_stcore/health")),
        ("tritonserver --model-repository=/m --http-port=8005", Service("tritonserver", 8005, "/v2/health/ready")),
        ("torchserve --start --model-store m", Service("torchserve", 8080, "/ping")),
        ("python -m vllm.entrypoints.openai.api_server --port 1", Service("vllm", 1, "/health")),
        ("vllm serve m", Service("vllm", 8000, "/health")),
        ("text-generation-launcher --model-id m", Service("text-generation-launcher", 80, "/health")),
        ("ollama serve", Service("ollama", 11434, "/api/version")),
        ("bentoml serve .", Service("bentoml", 3000, "/readyz")),
        ("jupyter lab --ip=0.0.0.0", Service("jupyter", 8888, "/api")),
        ("mlflow models serve -m m -p 1234", Service("mlflow", 1234, "/health")),
        ("python -m http.server 8123", Service("http.server", 8123, "/")),
        ("python train.py", None),
    ],
)  # fmt: skip
def test_servers_and_their_ports(command, service):
    assert service_of(image(Cmd=command.split())) == service


def test_a_port_that_is_exposed_is_taken_where_the_command_says_none():
    assert service_of(image(Cmd=["uvicorn", "a:b"], ExposedPorts={"7000/tcp": {}})).port == 7000


def test_an_option_wins_over_expose():
    assert service_of(image(Cmd=["uvicorn", "a:b", "--port", "1"], ExposedPorts={"7000/tcp": {}})).port == 1


def test_an_exposed_port_alone_tells_of_a_service():
    assert service_of(image(Cmd=["/srv/run"], ExposedPorts={"7001/tcp": {}, "53/udp": {}})) == Service("", 7001, None)


def test_the_variable_port_tells_of_a_service():
    assert service_of(image(Cmd=["/srv/run"], Env=["PORT=8081"])) == Service("", 8081, None)


def test_a_shell_s_script_is_taken_apart():
    script = "cd /app && exec gunicorn -b 0.0.0.0:${PORT:-8090} app:app"
    assert service_of(image(Cmd=["/bin/sh", "-c", script])) == Service("gunicorn", 8090, None)


def test_entrypoint_and_command_make_one_line():
    assert command_words(image(Entrypoint=["python"], Cmd=["a.py"])) == ("python", "a.py")


@pytest.mark.parametrize(
    ("test", "found"),
    [
        (["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"], Healthcheck("/health", 8000)),
        (["CMD", "wget", "-qO-", "http://127.0.0.1/ready"], Healthcheck("/ready", 80)),
        (["CMD", "python", "-c", "urlopen('http://localhost:5000')"], Healthcheck("/", 5000)),
        (["CMD-SHELL", "pg_isready"], Healthcheck(argv=("/bin/sh", "-c", "pg_isready"))),
        (["CMD", "/check", "-v"], Healthcheck(argv=("/check", "-v"))),
        (["NONE"], None),
        ([], None),
    ],
)
def test_healthchecks(test, found):
    assert healthcheck_of(image(Healthcheck={"Test": test})) == found
