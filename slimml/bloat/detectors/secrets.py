"""Files and variables that look like secrets, and a container that runs as root. Values are never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.build_step import TOKEN
from slimml.bloat.environment import environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import unpackaged
from slimml.bloat.path_facts import ends_in, path_facts
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_BY_NAME = re.compile(
    r"\.env(\.(local|production|prod|development|dev|staging|test))?|id_(rsa|dsa|ecdsa|ed25519)(_\w+)?|.+\.(ppk|kdbx)"
    r"|\.netrc|_netrc|\.pypirc|\.pgpass|\.my\.cnf|\.git-credentials|\.htpasswd|\.dockercfg|\.s3cfg|\.boto"
    r"|service[-_]?account.*\.json|.*[-_]service[-_]account\.json|application_default_credentials\.json"
    r"|client_secrets?.*\.json|gcloud.*key.*\.json|kubeconfig|.*\.(p12|pfx|jks|keystore)|secrets?\.(ya?ml|json|toml|env)"
)
_BY_PATH = (
    *(".aws/credentials", ".docker/config.json", ".kube/config", ".azure/accessTokens.json", ".config/gh/hosts.yml"),
    *(".config/gcloud/credentials.db", ".cache/huggingface/token", ".huggingface/token", ".streamlit/secrets.toml"),
    *("run/secrets", "kaggle.json", ".config/pypoetry/auth.toml"),
)
_KEY_BYTES = 16_384
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_CREDENTIALS = re.compile(
    r"(?i)_auth(?:Token)?\s*=|//[^/\s:@]+:[^/\s@]+@|^\s*password\s*[=:]\s*\S|\"auth\"\s*:", re.MULTILINE
)
_PUBLIC_PLACES = ("etc/ssl", "etc/pki", "usr/share", "usr/lib/ssl", "etc/ca-certificates")
_VARIABLE = re.compile(
    r"(?:^|_)(?:PASSWORDS?|PASSWD|PASSPHRASE|SECRETS?|TOKEN|API_?KEY|ACCESS_?KEY(?:_ID)?|PRIVATE_?KEY|AUTH_?KEY|CREDENTIALS?"
    r"|CONNECTION_?STRING)$|(?:^|_)(?:SECRET|PASSWORD)_",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"(?<![\w-])([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_NO_VALUE = re.compile(
    r"|\$.*|/.*|true|false|none|null|\d{1,3}|.{1,3}|x+|\*+|<.*>|change_?me|placeholder|your[-_ ].*", re.I
)


def secrets(inventory: Inventory) -> Iterator[Proposal]:
    """Told even where the file is deleted: its bytes are still in a layer for everybody who can pull."""
    rows = np.flatnonzero(_files(inventory))
    if rows.size:
        hidden = int((~path_facts(inventory).live[rows]).sum())
        yield Proposal(
            "secret-files",
            f"{len(rows)} files that look like secrets"
            + (f", {hidden} of them deleted but still pulled" if hidden else ""),
            Risk.ASK,
            Action.TELL,
            rows,
            "Change the secret, for it is known to all who can pull. Name the file in .dockerignore, and give it "
            "to the build with RUN --mount=type=secret,id=…, to the service when it starts.",
            "told by their names, and by their contents where those were read",
            always=True,
        )
    names = secret_variables(inventory)
    if names:
        yield Proposal(
            "secret-variables",
            f"Variables that look like secrets: {', '.join(sorted(names))}",
            Risk.ASK,
            Action.TELL,
            np.empty(0, dtype=np.int64),
            "Change the secret: ENV and ARG stay in the image's configuration and history. Use RUN "
            "--mount=type=secret,id=…,env=NAME in the build, and docker run --env-file for the service.",
            "everybody who can pull the image can read them",
        )
    if str(inventory.image.config.runtime.get("User") or "root").partition(":")[0] in ("root", "0"):
        yield Proposal(
            "runs-as-root",
            "The container runs as root",
            Risk.ASK,
            Action.TELL,
            np.empty(0, dtype=np.int64),
            "RUN useradd --create-home app, and USER app after the last step that installs; COPY --chown=app what it "
            "writes.",
            "who breaks into the service is root in the container",
        )


def _files(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    is_file = (facts.kind == Kind.FILE) & (facts.size > 0)
    # A hidden row has no owner; what packages bring (test keys, CA certificates) is everybody's.
    own = is_file & (unpackaged(inventory) | ~facts.live) & ~facts.in_site & ~facts.beneath(*_PUBLIC_PLACES)
    own &= ~facts.beneath_named("tests", "test", "testdata", "examples", "node_modules")
    found = facts.names_where(_BY_NAME.fullmatch, among=own) | (own & _by_path(inventory))
    keys = own & facts.suffixed("key") & ~facts.beneath_named("certs", "trusted.gpg.d", "keyrings")
    keys &= facts.size < _KEY_BYTES
    # Names that tell little: these count only where the content was read.
    doubtful = own & (facts.suffixed("pem") | facts.named(".npmrc", "pip.conf", ".condarc"))
    for row in np.flatnonzero((keys | doubtful) & ~found).tolist():
        content = inventory.layers[int(inventory.layer[row])].captured.get(inventory.paths[row])
        found[row] = keys[row] if content is None else _holds_secret(content)
    return np.asarray(found, dtype=bool)


def _holds_secret(content: bytes) -> bool:
    text = content.decode("utf-8", "replace")
    return any(
        found is not None for found in (_PRIVATE_KEY.search(text), _CREDENTIALS.search(text), TOKEN.search(text))
    )


def _by_path(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    found = np.zeros(len(facts.live), dtype=bool)
    named = facts.named(*(path.rpartition("/")[2] for path in _BY_PATH))
    for row in np.flatnonzero(named).tolist():
        found[row] = any(ends_in(inventory.paths[row], path) for path in _BY_PATH)
    return found


def secret_variables(inventory: Inventory) -> set[str]:
    """Names of variables and build arguments with a value that looks like a secret."""
    pairs = list(environment(inventory).items())
    for entry in inventory.image.config.history:
        step = entry.created_by
        if step.startswith(("ENV ", "ARG ", "|", "RUN |")) or "#(nop)" in step:
            before_shell = step.partition("/bin/sh -c ")[0] if "|" in step[:5] else step
            pairs += _ASSIGNMENT.findall(before_shell)
    found = {name for name, value in pairs if is_secret(name, value.strip("\"'"))}
    # A name is shown on a terminal, and may come from anybody.
    return {re.sub(r"[^\w.-]", "?", name, flags=re.ASCII) for name in found}


def is_secret(name: str, value: str) -> bool:
    """Whether a variable of this name and value looks like one that nobody should read."""
    if TOKEN.search(value) or re.search(r"://[^/\s:@]+:[^/\s@]+@", value):
        return True
    return _VARIABLE.search(name) is not None and _NO_VALUE.fullmatch(value) is None
