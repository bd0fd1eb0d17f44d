"""What an image's command line tells of its service: which server it is, the port it takes, the path that answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.oci import documents
from slimml.probes.variables import image_variables

if TYPE_CHECKING:
    from slimml.oci.image import Image

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$([A-Za-z_]\w*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")


@dataclass(frozen=True)
class Server:
    """A program that serves: words that name it, how its port is said, the port it has else, and a path that answers
    as soon as the service is ready (None where every application has its own).
    """

    names: tuple[str, ...]
    options: tuple[str, ...]
    variables: tuple[str, ...]
    port: int
    ready: str | None = None


SERVERS = (
    Server(
        ("vllm", "vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"), ("--port",), (), 8000, "/health"
    ),
    Server(("tritonserver",), ("--http-port",), (), 8000, "/v2/health/ready"),
    Server(("text-generation-launcher", "text-embeddings-router"), ("--port", "-p"), ("PORT",), 80, "/health"),
    Server(("ollama",), (), ("OLLAMA_HOST",), 11434, "/api/version"),
    Server(("torchserve",), (), (), 8080, "/ping"),
    Server(("tensorflow_model_server",), ("--rest_api_port",), (), 8501),
    Server(("bentoml",), ("--port", "-p"), ("BENTOML_PORT", "PORT"), 3000, "/readyz"),
    Server(("mlflow",), ("--port", "-p"), ("MLFLOW_PORT",), 5000, "/health"),
    Server(("streamlit",), ("--server.port",), ("STREAMLIT_SERVER_PORT",), 8501, "/_stcore/health"),
    Server(("jupyter", "jupyter-lab", "jupyter-notebook", "jupyter-server"), ("--port",), (), 8888, "/api"),
    Server(("gunicorn",), ("--bind", "-b"), ("PORT",), 8000),
    Server(("hypercorn",), ("--bind", "-b"), (), 8000),
    Server(("uvicorn",), ("--port",), ("UVICORN_PORT",), 8000),
    Server(("fastapi",), ("--port",), (), 8000),
    Server(("flask",), ("--port", "-p"), ("FLASK_RUN_PORT",), 5000),
    Server(("http.server",), (), (), 8000, "/"),
)


@dataclass(frozen=True)
class Service:
    """A service that an image seems to have. `name` is that of its server, "" where it is not known."""

    name: str
    port: int
    ready: str | None


def command_words(image: Image) -> tuple[str, ...]:
    """Entrypoint and command as one line of words, a shell's script taken apart and its variables put in."""
    runtime, what = image.config.runtime, "the image config"
    words = [str(word) for key in ("Entrypoint", "Cmd") for word in documents.sequence(runtime, key, what)]
    if len(words) > 2 and words[0].rpartition("/")[2] in _SHELLS and words[1].startswith("-") and "c" in words[1]:
        words = _script(words[2])
    known = image_variables(image)
    words = [_VARIABLE.sub(lambda match: known.get(match[1] or match[3]) or match[2] or "", word) for word in words]
    while words and (words[0] == "exec" or _ASSIGNMENT.fullmatch(words[0])):
        del words[0]
    return tuple(words)


def service_of(image: Image) -> Service | None:
    """The service that the command, the environment or EXPOSE tell of; None where nothing does."""
    words, variables = command_words(image), image_variables(image)
    exposed = exposed_ports(image)
    server = _server(words)
    if server is None:
        variable = variables.get("PORT", "") if not exposed or variables.get("PORT", "") in map(str, exposed) else ""
        port = int(variable) if _is_port(variable) else exposed[0] if exposed else None
        return Service("", port, None) if port else None
    said = _said(server, words, variables)
    port = said or (exposed[0] if len(exposed) == 1 or (server.port not in exposed and exposed) else server.port)
    return Service(server.names[0], port, server.ready)


def exposed_ports(image: Image) -> tuple[int, ...]:
    """The TCP ports of EXPOSE, ascending."""
    found = documents.mapping(image.config.runtime, "ExposedPorts", "the image config")
    numbers = (name.removesuffix("/tcp") for name in found)
    return tuple(sorted(int(number) for number in numbers if _is_port(number)))


def _server(words: Sequence[str]) -> Server | None:
    """The first word that names a server: `gunicorn -k uvicorn.workers.UvicornWorker` is gunicorn."""
    for word in words:
        name = word.rpartition("/")[2]
        for server in SERVERS:
            if name in server.names:
                return server
    return None


def _said(server: Server, words: Sequence[str], variables: Mapping[str, str]) -> int | None:
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in server.options:
            value = value if equals else words[number + 1] if number + 1 < len(words) else ""
        elif server.names == ("http.server",) and number and words[number - 1] == "http.server":
            value = word
        else:
            # gunicorn's short option may have its value attached.
            value = word[2:] if word[:2] in server.options and len(word) > 2 else ""
        if _is_port(value.rpartition(":")[2]):
            return int(value.rpartition(":")[2])
    for variable in server.variables:
        value = variables.get(variable, "").rpartition(":")[2]
        if _is_port(value):
            return int(value)
    return None


def _script(text: str) -> list[str]:
    """The last command of a shell's script: what comes before it (`cd /app &&`, migrations) ends, it serves."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    for number in range(len(words) - 1, -1, -1):
        if words[number] in ("&&", ";", "||") or words[number].endswith(";"):
            return words[number + 1 :]
    return words


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536
