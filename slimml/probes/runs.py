"""Programs that run to their end in a container of their own: commands alone, and the image's own as a batch."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.engine.container import OUTPUT_BYTES, RunSpec
from slimml.errors import Refused
from slimml.probes import expect
from slimml.probes.answer import Answer
from slimml.probes.ending import last_words
from slimml.probes.probe import BatchProbe, CommandProbe

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Exited, Prepared
    from slimml.probes.probe import Suite

_MAGIC = re.compile(r"[*?\[]")


def run_alone(engine: Engine, prepared: Prepared, suite: Suite, probe: CommandProbe) -> Answer:
    """A command as the only process of a fresh container; raises what the engine raises."""
    with engine.create(prepared, alone_spec(suite, probe)) as container:
        return answer_of_job(container, probe, *_to_the_end(container, probe.timeout))


def run_batch(engine: Engine, prepared: Prepared, suite: Suite, probe: BatchProbe) -> Answer:
    """A run of the image's program in a fresh container, and the files it wrote; raises what the engine raises."""
    with engine.create(prepared, batch_spec(suite, probe)) as container:
        return answer_of_job(container, probe, *_to_the_end(container, probe.timeout))


def alone_spec(suite: Suite, probe: CommandProbe) -> RunSpec:
    """How a command is run alone."""
    return RunSpec(
        entrypoint=probe.argv,
        environment={**suite.environment, **probe.environment},
        user=probe.user or suite.user,
        directory=probe.directory,
        mounts=suite.mounts,
        network=suite.network,
        resources=suite.resources,
    )


def batch_spec(suite: Suite, probe: BatchProbe) -> RunSpec:
    """How a batch is run."""
    return RunSpec(
        argv=probe.argv if probe.argv is not None else suite.argv,
        environment={**suite.environment, **probe.environment},
        user=suite.user,
        mounts=(*suite.mounts, *probe.mounts),
        network=suite.network,
        resources=suite.resources,
    )


def answer_of_job(
    container: Container, probe: CommandProbe | BatchProbe, exited: Exited | None, seconds: float
) -> Answer:
    """What a container said that ended so, None when it did not within its probe's time; raises Refused."""
    said = container.logs()
    answer = Answer(probe.name, None, body=said.stdout, errors=said.stderr, seconds=seconds)
    if exited is None:
        words = last_words(said)
        failure = f"did not end within {probe.timeout:g} s" + (f"; it said: {words}" if words else "")
        return replace(answer, failure=failure)
    if exited.out_of_memory:
        return replace(answer, body=b"", failure="was killed for its memory")
    answer = replace(answer, code=exited.code)
    if isinstance(probe, CommandProbe):
        return replace(answer, complaints=expect.of_output(probe, exited.code, said.stdout, said.stderr))
    return _with_files(container, probe, answer, exited.code)


def _with_files(container: Container, probe: BatchProbe, answer: Answer, code: int) -> Answer:
    complaints = [*expect.of_code(probe.code, code)]
    files: dict[str, bytes] = {}
    for pattern in probe.outputs:
        found = outputs(container, pattern)
        files |= found
        if not found:
            complaints.append(f"wrote no {pattern}")
    if sum(map(len, files.values())) > OUTPUT_BYTES:
        raise Refused(f"the outputs are larger than {OUTPUT_BYTES >> 20} MiB")
    return replace(answer, files=files, complaints=tuple(complaints))


def outputs(container: Container, pattern: str) -> dict[str, bytes]:
    """The files that a path or a glob names, by path: `*` stays within a directory, `**` does not.

    A directory's name stands for all files beneath it. Raises Refused for more than OUTPUT_BYTES.
    """
    if not _MAGIC.search(pattern):
        return container.files(pattern)
    directory = _MAGIC.split(pattern)[0].rpartition("/")[0] or "/"
    wanted = re.compile(_translated(pattern), re.DOTALL)
    return {path: content for path, content in container.files(directory).items() if wanted.fullmatch(path)}


def _translated(pattern: str) -> str:
    out = []
    for piece in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern):
        match piece:
            case "**/":
                out.append("(?:.*/)?")
            case "**":
                out.append(".*")
            case "*":
                out.append("[^/]*")
            case "?":
                out.append("[^/]")
            case _ if piece[:1] == "[" and piece[-1:] == "]":
                inner = piece[1:-1].replace("\\", r"\\")
                out.append(f"[^{inner[1:]}]" if inner[:1] == "!" else f"[{inner}]")
            case _:
                out.append(re.escape(piece))
    return "".join(out)


def _to_the_end(container: Container, timeout: float) -> tuple[Exited | None, float]:
    begun = time.monotonic()
    container.start()
    return container.wait(timeout), time.monotonic() - begun
