"""A Dockerfile from an image without one: its history and configuration, with every guess marked as a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slimml.dockerfile.document import parse
from slimml.dockerfile.history import Entry, read_entry, words_of
from slimml.dockerfile.rebuilt_step import Certainty, Rebuilt, command, one_line, quoted, rebuild_step
from slimml.dockerfile.stages import read_stages
from slimml.oci.config import ImageConfig

_DEFAULT_SHELL = "/bin/sh -c"
_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_REFERENCE = re.compile(r"[\w.-][\w./:@-]*", re.ASCII)
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,}")


@dataclass(frozen=True)
class Step:
    """An instruction of the reconstruction. `entry` is the history entry that it is made from, `layer` the layer that
    the entry made; each is None where there is none."""

    rebuilt: Rebuilt
    entry: int | None
    layer: int | None


@dataclass(frozen=True)
class Reconstruction:
    """`text` is a Dockerfile that builders can read, with a comment above each guess.

    `base` is the image of its FROM, "" where nobody can tell: then the file asks for it by a build argument.
    `base_entries` entries of the history, and with them `base_layers` layers, are taken for those of the base image.
    `unknown` says in words what is missing.
    """

    text: bytes
    base: str
    base_entries: int
    base_layers: int
    steps: tuple[Step, ...]
    unknown: tuple[str, ...]


def reconstruct(
    config: ImageConfig,
    name: str,
    annotations: Mapping[str, str] | None = None,
    layer_paths: Mapping[int, Sequence[str]] | None = None,
) -> Reconstruction:
    """The Dockerfile of an image that goes by `name`, as far as history and configuration tell.

    `annotations` are those of the manifest, which may name the base; `layer_paths` gives the regular files of layers,
    by number, where they were listed: they tell the name of a file that was copied.
    """
    entries = [read_entry(entry.created_by) for entry in config.history]
    layers = _layers(config)
    until = _base_end(config, entries)
    base, base_reason = _base(config, entries[:until], annotations or {})
    steps = list(_steps(config, entries, layers, until, layer_paths or {}))
    base_layers = next((number for number in layers[until:] if number is not None), len(config.diff_ids))
    untold = len(entries) - until - sum(step.entry is not None for step in steps)
    unknown = _unknown(config, entries, until, base, untold)
    text = _file(name, config, base, base_reason, base_layers, steps, unknown)
    return Reconstruction(text.encode("utf-8", "surrogateescape"), base, until, base_layers, tuple(steps), unknown)


def _layers(config: ImageConfig) -> list[int | None]:
    """For each entry of the history the number of the layer that it made."""
    made = sum(not entry.empty for entry in config.history)
    number = len(config.diff_ids) - made
    if number < 0:
        return [None] * len(config.history)
    found: list[int | None] = []
    for entry in config.history:
        found.append(None if entry.empty else number)
        number += not entry.empty
    return found


def _base_end(config: ImageConfig, entries: Sequence[Entry]) -> int:
    """How many entries are the base image's.

    Images end in a CMD or an ENTRYPOINT; one that more layers follow ended another image. What stands before the
    first entry in a known form was imported or squashed, and is a base, too.
    """
    ends = [at for at, entry in enumerate(entries) if entry.instruction in ("CMD", "ENTRYPOINT")]
    last_layer = max((at for at, entry in enumerate(config.history) if not entry.empty), default=-1)
    until = max((at + 1 for at in ends if at < last_layer), default=0)
    while until < len(entries) and not entries[until].instruction:
        until += 1
    if until == 0 and entries and entries[0].instruction == "ADD" and entries[0].target == "/":
        return 1  # the archive of a root file system
    return until


def _base(config: ImageConfig, entries: Sequence[Entry], annotations: Mapping[str, str]) -> tuple[str, str]:
    """The base image's name, and why it is a guess."""
    told = {**config.labels, **annotations}
    named, digest = told.get(_BASE_NAME, ""), told.get(_BASE_DIGEST, "")
    if _REFERENCE.fullmatch(named):
        return (f"{named}@{digest}" if _DIGEST.fullmatch(digest) and "@" not in named else named), ""
    if not entries and len(config.diff_ids) == sum(not entry.empty for entry in config.history):
        return "scratch", "nothing in the history is older than its first instruction"
    environment = dict(item.partition("=")[::2] for item in config.runtime.get("Env") or ())
    guess, reason = _guessed_base(environment, entries, config.labels)
    return (guess, reason) if _REFERENCE.fullmatch(guess) else ("", "nothing in the image tells its name")


def _guessed_base(
    environment: Mapping[str, str], entries: Sequence[Entry], labels: Mapping[str, str]
) -> tuple[str, str]:
    said = " ".join(entry.text for entry in entries)
    if "CUDA_VERSION" in environment:
        kind = "devel" if "-dev-" in said or "NV_CUDA_CUDART_DEV_VERSION" in environment else "runtime"
        system = labels.get("org.opencontainers.image.version", "")
        version = environment["CUDA_VERSION"]
        tag = f"{version}-{kind}-ubuntu{system}" if system else f"{version}-{kind}"
        return f"nvidia/cuda:{tag}", "CUDA_VERSION is set as in these images"
    if "PYTHON_VERSION" in environment and "GPG_KEY" in environment:
        slim = "" if "buildpack-deps" in said or "libsqlite3-dev" in said.partition("PYTHON_VERSION")[0] else "-slim"
        tag = f"{environment['PYTHON_VERSION']}{'-alpine' if 'apk add' in said else slim}"
        return f"python:{tag}", "PYTHON_VERSION and GPG_KEY are set as in these images"
    found = re.search(r"debian\.sh .*?'(?P<suite>[a-z]+)' '@\d+'", said)
    if found is not None:
        return f"debian:{found['suite']}", "its first step is that of these images"
    return "", "nothing in the image tells its name"


def _steps(
    config: ImageConfig, entries: Sequence[Entry], layers: Sequence[int | None], until: int,
    layer_paths: Mapping[int, Sequence[str]],
) -> list[Step]:  # fmt: skip
    made: list[Step] = []
    shell, declared = _DEFAULT_SHELL, set[str]()
    # Buildah names /bin/sh whatever the shell is; where SHELL is in the history no other word is needed.
    told = any(entry.instruction == "SHELL" for entry in entries[until:])
    prefix = ""
    for at in range(until, len(entries)):
        entry, layer = entries[at], layers[at]
        if entry.instruction == "SHELL":
            prefix = " ".join(words_of(entry.text) or ()) + " "
        elif entry.instruction == "RUN" and not entry.shell and prefix and entry.text.startswith(prefix):
            entry = replace(entry, text=entry.text.removeprefix(prefix), shell=prefix.strip())
        if entry.instruction == "ARG":
            declared.add(entry.text.partition("=")[0])
        for argument in entry.arguments:
            name = argument.partition("=")[0]
            if name not in declared and re.fullmatch(r"\w+", name, re.ASCII):
                declared.add(name)
                made.append(Step(Rebuilt(f"ARG {name}", "a command was given it"), None, None))
        if not told and entry.shell not in ("", shell):
            shell = entry.shell
            made.append(Step(Rebuilt(command("SHELL", shell.split()), "the next command ran in it"), None, None))
        paths = layer_paths.get(layer) if layer is not None else None
        rebuilt = rebuild_step(entry, config.runtime, paths)
        if rebuilt is not None:
            made.append(Step(rebuilt, at, layer))
    return made


def _unknown(config: ImageConfig, entries: Sequence[Entry], until: int, base: str, untold: int) -> tuple[str, ...]:
    found = []
    if not base:
        found.append("the base image: build with --build-arg BASE=NAME, or write it into the first line")
    if untold:
        found.append(f"what {untold} steps of the history did: they are in no form that slimml knows")
    if not config.history:
        found.append("how the layers were made: the image has no history")
    if any(entry.copied for entry in entries[until:]):
        found.append("the names of files of the context, of which the history has only checksums")
    if any(entry.arguments for entry in entries):
        found.append("the values of build arguments, which are left out here: they may be secret")
    if any(entry.instruction == "RUN" for entry in entries[until:]):
        found.append("mounts of RUN, owners and modes given to COPY, and other stages: no history has them")
    return tuple(found)


def _file(
    name: str, config: ImageConfig, base: str, base_reason: str, base_layers: int, steps: Sequence[Step],
    unknown: Sequence[str],
) -> str:  # fmt: skip
    lines = [] if not any("<<" in step.rebuilt.text for step in steps) else ["# syntax=docker/dockerfile:1"]
    lines += [f"# Reconstructed from the history and configuration of {one_line(name)}.", "# Not known:"]
    lines += [f"# - {one_line(said)}" for said in unknown] or ["# - nothing that a history can have"]
    lines += [""] if base else ["", "ARG BASE"]
    if base_reason:
        count = f"{base_layers} of {len(config.diff_ids)} layers are taken to be the base's"
        lines.append(f"# guess: {base_reason}; {count}")
    lines.append(f"FROM {base or '${BASE}'}")
    for step in steps:
        if step.rebuilt.certainty is Certainty.GUESSED:
            lines.append(f"# guess: {step.rebuilt.reason}")
        lines.append(step.rebuilt.text)
    text = "\n".join(lines) + "\n"
    left = _left(text, config.runtime)
    if left:
        text += "# The configuration also says, from the base image or from steps that no history tells:\n"
        text += "".join(f"# {one_line(line)}\n" for line in left)
    return text


def _left(text: str, runtime: Mapping[str, Any]) -> list[str]:
    """What the image's configuration has and the instructions do not make."""
    final = read_stages(parse(text.encode("utf-8", "surrogateescape")))[-1]
    found = []
    for item in runtime.get("Env") or ():
        key, _, value = item.partition("=")
        if final.environment.values.get(key) != value:
            found.append(f"ENV {key}={quoted(value)}")
    for kind, launch in (("Entrypoint", final.entrypoint), ("Cmd", final.command)):
        words = runtime.get(kind) or []
        made = [] if launch is None else [*launch.words] if launch.exec_form else ["/bin/sh", "-c", *launch.words]
        if list(words) != made and words:
            found.append(command({"Entrypoint": "ENTRYPOINT", "Cmd": "CMD"}[kind], words))
    workdir = runtime.get("WorkingDir") or "/"
    if workdir != (final.workdir or "/"):
        found.append(f"WORKDIR {workdir}")
    if (runtime.get("User") or "") != (final.user or ""):
        found.append(f"USER {runtime.get('User') or 'root'}")
    return found
