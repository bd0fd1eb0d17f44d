"""Credentials of registries, as Docker's config.json, its credential helpers and Podman's auth.json hold them."""

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slimml.errors import InvalidImage, UsageError
from slimml.oci import documents
from slimml.oci.places.registry.wording import shown
from slimml.oci.reference import DEFAULT_REGISTRY

HELPER_TIMEOUT = 30.0
"""seconds a credential helper may take (it may ask its user for a passphrase)"""

_HUB_KEY = "https://index.docker.io/v1/"
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_THERE = "credentials not found"
_TOKEN_USER = "<token>"


@dataclass(frozen=True)
class Credential:
    """A user and a password; or an identity token, exchanged for access tokens; or a registry token, used as it is."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Lookup:
    """What was found; `trouble` says in a few words why nothing was, "" where there just is nothing."""

    credential: Credential | None
    trouble: str = ""


def find_credential(registry: str, repository: str) -> Lookup:
    """The credential for a repository, from the first file that has one.

    Looked at in this order: REGISTRY_AUTH_FILE, DOCKER_CONFIG/config.json (else ~/.docker), and Podman's auth.json
    below XDG_RUNTIME_DIR and XDG_CONFIG_HOME (containers-auth.json(5)). A helper that is missing or fails is told of
    in `trouble`, since many images need no credential at all. Raises UsageError for a file that cannot be understood.
    """
    trouble = ""
    for path in _files():
        config = _load(path)
        if config is None:
            continue
        found = _in_config(config, path, registry, repository)
        if found.credential:
            return found
        trouble = trouble or found.trouble
    return Lookup(None, trouble)


def _files() -> Iterator[Path]:
    environ = os.environ
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    yield Path(environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")) / "config.json"
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json"
    yield Path(environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "containers/auth.json"


def _load(path: Path) -> Mapping[str, Any] | None:
    try:
        return documents.load_object(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); it may hold the login of a registry") from None
    except InvalidImage as error:
        raise UsageError(f"{error}; mend it or run `docker login` again") from None


def _in_config(config: Mapping[str, Any], path: Path, registry: str, repository: str) -> Lookup:
    """As Docker decides: the registry's own helper, else the file's store, else what the file holds itself."""
    try:
        helpers = documents.strings(config, "credHelpers", str(path))
        store = documents.text(config, "credsStore", str(path), default="")
        auths = documents.mapping(config, "auths", str(path))
    except InvalidImage as error:
        raise UsageError(str(error)) from None
    own = {_normal(key): name for key, name in helpers.items()}
    helper = next((own[key] for key in _keys(registry, repository) if key in own), store)
    asked = _ask_helper(helper, registry) if helper else Lookup(None)
    if asked.credential:
        return asked
    entries = {_normal(key): value for key, value in auths.items()}
    for key in _keys(registry, repository):
        entry = entries.get(key)
        if isinstance(entry, dict) and (credential := _entry(entry, f"{path}: {shown(key)}")):
            return Lookup(credential)
    return asked


def _keys(registry: str, repository: str) -> list[str]:
    """What an entry for the repository may be called, the most particular first."""
    if registry in _HUB_HOSTS:
        registry = DEFAULT_REGISTRY
    parts = [registry, *repository.split("/")]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _normal(key: str) -> str:
    """A key of `auths` without scheme; old Docker keys are URLs such as https://index.docker.io/v1/."""
    scheme, separator, rest = key.partition("://")
    bare = rest.partition("/")[0] if separator else scheme.rstrip("/")
    host, slash, path = bare.partition("/")
    return (DEFAULT_REGISTRY if host in _HUB_HOSTS else host) + slash + path


def _entry(entry: Mapping[str, Any], what: str) -> Credential | None:
    try:
        auth = documents.text(entry, "auth", what, default="")
        user = documents.text(entry, "username", what, default="")
        password = documents.text(entry, "password", what, default="")
        identity = documents.text(entry, "identitytoken", what, default="")
        registry_token = documents.text(entry, "registrytoken", what, default="")
        if auth:
            user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
            if not colon:
                raise ValueError
    except InvalidImage as error:
        raise UsageError(str(error)) from None
    except (ValueError, binascii.Error):
        raise UsageError(f"{what}: 'auth' is not base64 of USER:PASSWORD; run `docker login` again") from None
    found = Credential(user, password.rstrip("\0"), identity, registry_token)
    return found if found != Credential() else None


def _ask_helper(name: str, registry: str) -> Lookup:
    """Run `docker-credential-NAME get` (docker-credential-helpers protocol), without a shell."""
    program = f"docker-credential-{shown(name, 60)}"
    if not _HELPER_NAME.fullmatch(name):
        raise UsageError(f"{program!r} cannot be the name of a credential helper")
    server = _HUB_KEY if registry in _HUB_HOSTS else registry
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Lookup(None, f"{program} took longer than {HELPER_TIMEOUT:.0f} s")
    except OSError as error:
        return Lookup(None, f"{program} cannot be run: {error.strerror}")
    if done.returncode:
        said = shown((done.stdout or done.stderr).decode(errors="replace"), 120)
        return Lookup(None, "" if _NOT_THERE in said else f"{program} failed: {said}")
    try:
        answer = documents.load_object(done.stdout, program)
        user = documents.text(answer, "Username", program)
        secret = documents.text(answer, "Secret", program)
    except InvalidImage as error:
        return Lookup(None, str(error))
    return Lookup(Credential(identity_token=secret) if user == _TOKEN_USER else Credential(user, secret))
