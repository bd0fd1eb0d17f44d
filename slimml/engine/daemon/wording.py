"""What engines say when a container or a command does not start, in words for a user."""

import re

from slimml.engine.container import Output

_BEFORE = re.compile(r".*(?:unable to start container process|process caused|\b(?:runc|crun)|\bfor attach): ")
_AFTER = re.compile(r"(?:: unknown|: OCI [^:]*)$")
_NOT_FOUND = re.compile(r"executable file .*not found|no such file or directory|command that was not found", re.I)
_EXEC_FAILED = re.compile(rb"(?:OCI runtime exec failed|Error: (?:runc|crun): |.*exec failed: unable to start)")
_NOT_RUNNABLE, _NO_PROGRAM = 126, 127
_TOOLKIT = "install the NVIDIA Container Toolkit (package nvidia-container-toolkit) on the engine's host"


def start_failure(said: str) -> str:
    """Why a container does not start, and what to do where that is known."""
    reason = _AFTER.sub("", _BEFORE.sub("", said))
    if 'device driver "cdi"' in said:
        return f"this Docker does not know CDI names; update it to 25 or newer, or say `all` or `device=0` ({reason})"
    if "could not select device driver" in said or "nvidia-container-cli" in said:
        return f"the engine has no GPU to give; {_TOOLKIT}, run `nvidia-ctk runtime configure`, restart it ({reason})"
    if "CDI device" in said:
        made = "run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
        return f"the engine has no such GPU; {_TOOLKIT}, {made} ({reason})"
    return reason


def refused_limits(said: str) -> bool:
    """Whether the runtime may not set the limits of open files that the engine wants (no CAP_SYS_RESOURCE)."""
    return "rlimit" in said.lower() and "not permitted" in said


def refused_network(said: str) -> bool:
    """Whether the container's network could not be made (no iptables, no CNI plugins, no slirp4netns)."""
    return any(word in said.lower() for word in ("cni", "netavark", "iptables", "netns", "pasta", "endpoint"))


def command_ended(output: Output) -> Output:
    """The output of a command as a shell would tell it when there was nothing to run: code 126 or 127, and why.

    Docker 20.10 writes the runtime's complaint into the command's own stdout, Podman into stderr.
    """
    if output.code not in (_NOT_RUNNABLE, _NO_PROGRAM):
        return output
    said = output.stdout or output.stderr
    return not_run(said.decode(errors="replace")) if _EXEC_FAILED.match(said) else output


def not_run(said: str) -> Output:
    """The output of a command that the runtime could not run."""
    first = said.strip().splitlines()[0]
    code = _NO_PROGRAM if _NOT_FOUND.search(first) else _NOT_RUNNABLE
    return Output(code, b"", start_failure(first).encode() + b"\n")
