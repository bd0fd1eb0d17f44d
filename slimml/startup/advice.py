"""What to do about a start: each piece of advice with what it is about, what it costs, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slimml.startup.timeline import ENTRYPOINT

if TYPE_CHECKING:
    from slimml.startup.needed import Unneeded
    from slimml.startup.notes import Span
    from slimml.startup.profile import StartProfile


class Topic(StrEnum):
    """What advice is about."""

    BYTECODE = "missing-bytecode"
    SLOW_IMPORT = "slow-import"
    UNNEEDED_IMPORT = "unneeded-import"
    MODEL_BYTES = "model-from-bytes"
    ONNX_OPTIMISED = "onnx-optimised-at-start"
    SHELL = "entrypoint-shell"
    NETWORK = "network-wait"
    SLEEP = "sleep"
    THREADS = "too-many-threads"
    ENVIRONMENT = "environment-hint"


@dataclass(frozen=True)
class Advice:
    """`seconds` of the start that it is about, at most what can be gained; None where that is not known. `where` is a
    line of the program, a module or a path. Hints (`hint`) were not measured here.
    """

    topic: Topic
    title: str
    seconds: float | None
    where: str
    remedy: str
    chain: tuple[str, ...] = ()
    hint: bool = False


@dataclass(frozen=True)
class Settings:
    """What the image's configuration says: the words that start it, its variables; `cpus` its limit, None for none."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    cpus: float | None = None


_SHELLS = re.compile(r"(^|/)(sh|bash|dash|ash|zsh)$|\.(sh|bash)$")
_LEAST_COMPILING, _LEAST_WAIT, _LEAST_IMPORT, _LEAST_MODEL = 0.02, 0.02, 0.1, 0.02
_LEAST_MODULES = 5
_LEAST_SHARE = 0.03
"""of the start, below which a busy import is not worth a word"""
_MANY_THREADS = 2
"""times the processors that a container may use"""
_ARENA_THREADS = 8
_NAMED = 5


def advise(profile: StartProfile, settings: Settings, unneeded: Sequence[Unneeded] | None = None) -> tuple[Advice, ...]:
    """All advice, that with most seconds first, hints last. `unneeded` None: nobody looked which imports are needed."""
    end = profile.start.began + profile.start.seconds
    spans = [span for span in profile.notes.spans if span.begin < end]
    found = [
        *_bytecode(spans),
        *_slow_imports(profile),
        *_unneeded(unneeded or ()),
        *_models(spans),
        *_shell(profile, settings),
        *_waits(spans),
        *_threads(profile, settings),
        *_environment(profile, settings),
    ]
    return tuple(sorted(found, key=lambda one: (one.hint, -(one.seconds or 0.0), one.topic, one.title)))


def _took(span: Span) -> float:
    return (span.end or span.begin) - span.begin


def _bytecode(spans: Sequence[Span]) -> Iterator[Advice]:
    compiled = [span for span in spans if span.kind == "compile"]
    seconds = sum(map(_took, compiled))
    if seconds < _LEAST_COMPILING or len(compiled) < _LEAST_MODULES:
        return
    dearest = sorted(compiled, key=_took, reverse=True)[:_NAMED]
    yield Advice(
        Topic.BYTECODE,
        f"{len(compiled)} modules were compiled, since they have no bytecode that holds",
        seconds,
        ", ".join(span.name for span in dearest),
        "slimml optimize --compile-bytecode adds it; or install without --no-compile and PYTHONDONTWRITEBYTECODE=1 "
        "(uv: --compile-bytecode)",
    )


def _slow_imports(profile: StartProfile) -> Iterator[Advice]:
    least = max(_LEAST_IMPORT, _LEAST_SHARE * profile.start.seconds)
    nodes = [node for root in profile.imports for node in root.walk()]
    asleep = [node for node in nodes if node.waited >= max(_LEAST_IMPORT, (node.own - node.loaded) / 2)]
    busy = [node for node in nodes if node.own - node.loaded >= least and node not in asleep]
    for node in [*asleep, *sorted(busy, key=lambda node: node.loaded - node.own)[:_NAMED]]:
        own = node.own - node.loaded
        if node in asleep:
            how = f", {node.waited:.2f} s of it asleep or waiting"
            remedy = "let it wait when it is asked, not when it is imported"
        else:
            how, remedy = "", "import it where it is used, or do at first use what its module does at once"
        title = f"importing {node.name} takes {own:.2f} s by itself{how}"
        yield Advice(Topic.SLOW_IMPORT, title, own, node.file or node.name, remedy, node.chain)


def _unneeded(found: Sequence[Unneeded]) -> Iterator[Advice]:
    for one in found:
        yield Advice(
            Topic.UNNEEDED_IMPORT,
            f"{one.owner} is imported, and nothing of it is called before the first answer",
            one.seconds,
            one.chain[-1],
            f"import it in the function that uses it ({_importer(one.chain)} imports it)",
            one.chain,
        )


def _importer(chain: Sequence[str]) -> str:
    return chain[-2] if len(chain) > 1 else "the program itself"


def _models(spans: Sequence[Span]) -> Iterator[Advice]:
    for span in spans:
        if span.kind != "model":
            continue
        told = dict(word.partition("=")[::2] for word in span.detail.split())
        if told.get("form") == "bytes" and _took(span) >= _LEAST_MODEL:
            yield Advice(
                Topic.MODEL_BYTES,
                f"a model is loaded from {int(told.get('size') or 0) / 1e6:.1f} MB in memory, not from its file",
                _took(span),
                span.where,
                "give the loader the path: it maps the file, reads what it needs and holds it once",
            )
        level = told.get("optimization")
        if level not in (None, "ORT_DISABLE_ALL") and _took(span) >= _LEAST_MODEL:
            yield Advice(
                Topic.ONNX_OPTIMISED,
                f"ONNX Runtime optimises {span.name or 'a model'} at each start ({level})",
                _took(span),
                span.where,
                "optimise once while building (SessionOptions.optimized_model_filepath), and load the result with "
                "ORT_DISABLE_ALL, or it is optimised again",
            )


def _shell(profile: StartProfile, settings: Settings) -> Iterator[Advice]:
    shell = next((word for word in settings.command[:2] if _SHELLS.search(word)), None)
    if shell is None:
        return
    seconds = next((phase.seconds for phase in profile.phases if phase.name == ENTRYPOINT), None)
    yield Advice(
        Topic.SHELL,
        f"a shell starts the program ({shell})",
        seconds,
        " ".join(settings.command)[:200],
        "name the program itself in ENTRYPOINT, as a JSON array, or let the script end with exec: signals reach it",
    )


def _waits(spans: Sequence[Span]) -> Iterator[Advice]:
    groups: dict[tuple[Topic, str, str], float] = {}
    for span in spans:
        if span.kind in ("dns", "connect", "receive") and span.detail != "inbound":
            key = (Topic.NETWORK, span.where, span.name)
        elif span.kind == "sleep":
            key = (Topic.SLEEP, span.where, "")
        else:
            continue
        groups[key] = groups.get(key, 0.0) + _took(span)
    for (topic, where, whom), seconds in groups.items():
        if seconds < _LEAST_WAIT:
            continue
        if topic is Topic.NETWORK:
            title = f"the start waits {seconds:.2f} s for {whom or 'the network'}"
            remedy = "put what is fetched into the image, or fetch it when it is first needed, or beside the rest"
        else:
            title, remedy = f"the start sleeps {seconds:.2f} s", "wait for what is waited for, not for a time"
        yield Advice(topic, title, seconds, where, remedy)


def _threads(profile: StartProfile, settings: Settings) -> Iterator[Advice]:
    limit = settings.cpus or _number(profile.notes.facts.get("limit")) or _number(profile.notes.facts.get("processors"))
    threads = max([profile.seen.threads if profile.seen else 0, *(ending.threads for ending in profile.notes.endings)])
    if limit is None or threads <= max(_ARENA_THREADS, _MANY_THREADS * limit):
        return
    yield Advice(
        Topic.THREADS,
        f"{threads} threads for {limit:g} processors",
        None,
        "",
        "give the pools as many as there are: OMP_NUM_THREADS, torch.set_num_threads, "
        "SessionOptions.intra_op_num_threads; libraries count the machine's processors, not the container's limit",
    )


def _environment(profile: StartProfile, settings: Settings) -> Iterator[Advice]:
    known = {**settings.environment, **profile.notes.facts}
    threads = profile.seen.threads if profile.seen else 0
    if threads > _ARENA_THREADS and "MALLOC_ARENA_MAX" not in known and "LD_PRELOAD" not in known:
        yield Advice(
            Topic.ENVIRONMENT,
            f"{threads} threads allocate memory from arenas of their own",
            None,
            "MALLOC_ARENA_MAX",
            "MALLOC_ARENA_MAX=2 often saves memory with many threads; measure it with slimml bench before keeping it",
            hint=True,
        )
    limited = settings.cpus or _number(profile.notes.facts.get("limit"))
    if limited is not None and "OMP_NUM_THREADS" not in known:
        yield Advice(
            Topic.ENVIRONMENT,
            f"the container may use {limited:g} processors, and nothing tells OpenMP so",
            None,
            "OMP_NUM_THREADS",
            f"OMP_NUM_THREADS={max(1, int(limited))}; measure it with slimml bench before keeping it",
            hint=True,
        )


def _number(word: str | None) -> float | None:
    try:
        return float(word) if word is not None else None
    except ValueError:
        return None
