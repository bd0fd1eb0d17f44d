"""One entry of an image's history as an instruction again: what is known of it, and what is a guess."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Any

from slimml.dockerfile.document import parse
from slimml.dockerfile.history import Entry, words_of
from slimml.dockerfile.json_form import json_words
from slimml.dockerfile.shell import read_shell
from slimml.errors import InvalidDockerfile

_WIDE = 100
_PAIR = re.compile(r"(?:^| )([A-Za-z_][\w.-]*)=")


class Certainty(StrEnum):
    """How sure an instruction is."""

    KNOWN = "known"
    """the history or the configuration says it"""
    GUESSED = "guessed"
    """it is likely; the reason says what is missing"""


@dataclass(frozen=True)
class Rebuilt:
    """An instruction with its line breaks, and why it is a guess ("" when it is known)."""

    text: str
    reason: str = ""

    @property
    def certainty(self) -> Certainty:
        """Known, or guessed."""
        return Certainty.GUESSED if self.reason else Certainty.KNOWN


def rebuild_step(entry: Entry, runtime: Mapping[str, Any], paths: Sequence[str] | None) -> Rebuilt | None:
    """The instruction of a history entry; None for one in no known form, or that no builder would take.

    `runtime` is the `config` member of the image's configuration, `paths` are the regular files of the step's layer,
    None when they were not listed.
    """
    found = _rebuilt(entry if entry.instruction == "RUN" else replace(entry, text=one_line(entry.text)), runtime, paths)
    return found if found is not None and _stands_alone(found.text) else None


def one_line(text: str) -> str:
    """Text without line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _stands_alone(instruction: str) -> bool:
    """Whether builders read just this instruction, and what follows as another one. Histories are untrusted."""
    try:
        found = parse(f"FROM x\n{instruction}\nUSER after\n".encode("utf-8", "surrogateescape")).instructions
    except InvalidDockerfile:
        return False
    return len(found) == 3 and found[2].values == ("after",)


def _rebuilt(entry: Entry, runtime: Mapping[str, Any], paths: Sequence[str] | None) -> Rebuilt | None:
    match entry.instruction:
        case "":
            return None
        case "RUN":
            return _run(entry)
        case "COPY" | "ADD":
            return _copy(entry, paths)
        case "ENV" | "LABEL":
            return _pairs(entry, runtime)
        case "CMD" | "ENTRYPOINT" | "SHELL":
            return _command(entry)
        case "HEALTHCHECK":
            written = entry.text.startswith(("--", "CMD", "NONE"))
            said = entry.text if written else _healthcheck(runtime.get("Healthcheck"))
            return Rebuilt(f"HEALTHCHECK {said or 'NONE'}")
        case "EXPOSE":
            ports = re.findall(r"\d+(?:-\d+)?(?:/\w+)?", entry.text)
            return Rebuilt(f"EXPOSE {' '.join(ports)}") if ports else None
        case "VOLUME":
            return Rebuilt(f"VOLUME {json.dumps(entry.text.strip('[]').split())}")
    return Rebuilt(f"{entry.instruction} {entry.text}") if entry.text else None


def _run(entry: Entry) -> Rebuilt:
    text = entry.text
    if json_words(text.encode("utf-8", "surrogateescape")):
        return Rebuilt(f"RUN {text}")
    if not entry.shell:
        words = text.split()
        return Rebuilt(f"RUN {json.dumps(words)}", "the history does not tell where the words of this exec form end")
    if "\n" in text and "<<" not in text.partition("\n")[0] and _harmless(text):
        end = next(name for name in _heredoc_names() if name not in text.splitlines())
        return Rebuilt(f"RUN <<'{end}'\n{text}\n{end}", "the script has several lines, as only a heredoc has")
    if _harmless(text) and _says(f"RUN {text}", text):
        return Rebuilt(_wrapped(text))
    # Builders would read something else into it, a flag or an array, or a terminal would.
    return Rebuilt(f"RUN {json.dumps([*entry.shell.split(), text])}")


def _heredoc_names() -> Iterator[str]:
    yield "EOF"
    yield from (f"EOF_{number}" for number in count(2))


def _harmless(text: str) -> bool:
    """Whether a terminal only shows it."""
    return all(char.isprintable() or char in "\t\n" for char in text)


def _says(instruction: str, text: str) -> bool:
    """Whether a builder reads the instruction as this very shell command."""
    if not _stands_alone(instruction):
        return False
    found = parse(f"FROM x\n{instruction}\n".encode("utf-8", "surrogateescape")).instructions
    whole = found[1].arguments.text if not found[1].heredocs else text
    return not found[1].json and not found[1].flags and whole == text.strip()


def _wrapped(text: str) -> str:
    """RUN with a line for each command of a long chain."""
    if len(text) <= _WIDE or "\n" in text:
        return f"RUN {text}"
    data = f"FROM x\nRUN {text}\n".encode("utf-8", "surrogateescape")
    document = parse(data)
    script = read_shell(document, document.instructions[1])
    if script is None or not script.sound:
        return f"RUN {text}"
    made, at = [], document.instructions[1].arguments.span().start
    for before, link in zip(script.links, script.links[1:], strict=False):
        if link.operator == "&&" and link.operator_span is not None:
            made.append(data[at : before.span.end].decode("utf-8", "surrogateescape").rstrip())
            at = link.operator_span.start
    made.append(data[at:].decode("utf-8", "surrogateescape").rstrip())
    wrapped = "RUN " + " \\\n    ".join(made)
    same = parse(f"FROM x\n{wrapped}\n".encode("utf-8", "surrogateescape")).instructions[1].arguments.text
    return wrapped if same.split() == text.split() else f"RUN {text}"


def _copy(entry: Entry, paths: Sequence[str] | None) -> Rebuilt:
    name, target = entry.instruction, entry.target
    if entry.sources is not None:
        # An absolute source may be of the context or of another stage: the history has no --from.
        absolute = any(source.startswith("/") for source in entry.sources)
        reason = "it may come from another stage or image: histories do not tell" if absolute else ""
        return Rebuilt(f"{name} {_words([*entry.sources, target])}", reason)
    if entry.copied == "file":
        source = _file_name(target, paths)
        return Rebuilt(f"{name} {_words([source, target])}", "the history has a checksum in place of the file's name")
    reason = "the history has a checksum in place of the names of what is copied"
    return Rebuilt(f"{name} {_words(['.', target])}", reason)


def _file_name(target: str, paths: Sequence[str] | None) -> str:
    """The name of a single file that was copied: that of the one in the layer, else that of the destination."""
    if paths is not None and len(paths) == 1:
        return posixpath.basename(paths[0])
    return "FILE" if target.endswith(("/", "/.")) or target == "." else posixpath.basename(target)


def _words(words: Sequence[str]) -> str:
    if any(re.search(r"[\s$\\]", word) or not word.isprintable() for word in words):
        return json.dumps(list(words))
    return " ".join(words)


def _pairs(entry: Entry, runtime: Mapping[str, Any]) -> Rebuilt | None:
    """ENV and LABEL: histories have neither quotes nor escapes, so that a value may hold what looks like a name."""
    known = _known_pairs(entry.instruction, runtime)
    found = list(_PAIR.finditer(entry.text))
    if not found:
        name, _, value = entry.text.partition(" ")
        return Rebuilt(f"{entry.instruction} {name}={quoted(value)}") if value else None
    pairs = []
    for match, following in zip(found, [*found[1:], None], strict=True):
        end = following.start() if following is not None else len(entry.text)
        pairs.append((match[1], _unquoted(entry.text[match.end() : end])))
    sure = len(pairs) == 1 or all(known.get(name) == value for name, value in pairs)
    text = " \\\n    ".join(f"{name}={quoted(value)}" for name, value in pairs)
    reason = "" if sure else "the history has no quotes: where one value ends and the next begins is not sure"
    return Rebuilt(f"{entry.instruction} {text}", reason)


def _known_pairs(instruction: str, runtime: Mapping[str, Any]) -> dict[str, str]:
    if instruction == "ENV":
        return dict(item.partition("=")[::2] for item in runtime.get("Env") or ())
    return dict(runtime.get("Labels") or {})


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def quoted(value: str) -> str:
    """A value of ENV or LABEL as it has to stand in a Dockerfile to be this very text."""
    if re.fullmatch(r"[\w./:@%+,=-]+", value):
        return value
    return '"' + re.sub(r'(["\\$])', r"\\\1", value).replace("\n", " ") + '"'


def _command(entry: Entry) -> Rebuilt:
    words = words_of(entry.text)
    if words is None:
        return Rebuilt(f"{entry.instruction} {entry.text}")
    if entry.instruction == "SHELL" and '"' not in entry.text:
        words = tuple(entry.text.strip("[]").split())
    return Rebuilt(command(entry.instruction, words))


def command(instruction: str, words: Sequence[str]) -> str:
    """CMD, ENTRYPOINT or SHELL with these words; the shell form where they are those of a shell and its script."""
    if instruction != "SHELL" and len(words) == 3 and list(words[:2]) == ["/bin/sh", "-c"] and _plain(words[2]):
        return f"{instruction} {words[2]}"
    return f"{instruction} {json.dumps(list(words), ensure_ascii=not all(word.isprintable() for word in words))}"


def _plain(script: str) -> bool:
    if not script.isprintable() or script != script.strip():
        return False
    return not script.startswith(("[", "-")) and not script.endswith("\\")


def _healthcheck(found: Mapping[str, Any] | None) -> str | None:
    """The words of a configuration's HEALTHCHECK: its times are nanoseconds."""
    test = list(found.get("Test") or ()) if found else []
    if found is None or not test or test[0] == "NONE":
        return None
    names = (("Interval", "interval"), ("Timeout", "timeout"), ("StartPeriod", "start-period"))
    times = [(flag, found.get(name)) for name, flag in names]
    flags = [f"--{flag}={time / 1e9:g}s" for flag, time in times if isinstance(time, int) and time]
    flags += [f"--retries={found['Retries']}"] if found.get("Retries") else []
    if test[0] == "CMD-SHELL" and len(test) == 2:
        said = test[1] if test[1].isprintable() else json.dumps(["/bin/sh", "-c", test[1]])
    else:
        said = json.dumps(test[1:])
    return " ".join([*flags, "CMD", said])
