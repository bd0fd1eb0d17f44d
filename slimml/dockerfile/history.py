"""The history entries of an image in the words of a Dockerfile, without what each builder puts around them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from slimml.dockerfile.instructions import KEYWORDS

_NOP = re.compile(r"(?:\S+ ){0,8}?#\(nop\)\s*(?P<rest>.*)", re.DOTALL)
_ARGUMENTS = re.compile(r"\|(?P<count>\d+) ")
_SHELL = re.compile(
    r"(?:\S*/)?(?:ba|da|a|z|k)?sh(?: -[a-z]+(?: (?:pipefail|errexit|nounset|xtrace))?)*? -[a-z]*c (?P<command>.*)",
    re.DOTALL,
)
_COPIED = re.compile(
    r"(?P<flags>(?:--\S+?)?)\s*(?P<kind>file|dir|multi):(?P<digest>[0-9a-f]+) in (?P<target>.*)", re.DOTALL
)
_BUILDKIT = "# buildkit"


@dataclass(frozen=True)
class Entry:
    """A build step as the history has it. `instruction` is "" for an entry in no known form; then `text` is all of it.

    `arguments` are the build arguments that a RUN had, `shell` the words before its command ("" where it had none, or
    where the entry does not tell). Of a COPY `sources` is None where the history has only a checksum of them.
    """

    instruction: str
    text: str
    arguments: tuple[str, ...] = ()
    shell: str = ""
    sources: tuple[str, ...] | None = None
    target: str = ""
    copied: str = ""
    """`file`, `dir` or `multi` where a checksum stands for what was copied"""


def read_entry(created_by: str) -> Entry:
    """What a `created_by` says. Known are the classic builder of Docker, BuildKit, Buildah and Kaniko."""
    text = created_by.strip()
    buildkit = text.endswith(_BUILDKIT)
    text = text.removesuffix(_BUILDKIT).rstrip() if buildkit else text
    nop = _NOP.match(text)
    if nop is not None:
        return _named(nop["rest"].strip())
    word, _, rest = text.partition(" ")
    if word == "RUN":
        return _run(rest.strip())
    if word in KEYWORDS:
        return _named(text)
    return _run(text) if _ARGUMENTS.match(text) or _SHELL.match(text) else Entry("", text)


def _named(text: str) -> Entry:
    word, _, rest = text.partition(" ")
    word, rest = word.upper(), rest.strip()
    if word not in KEYWORDS:
        return Entry("", text)
    if word not in ("COPY", "ADD"):
        return Entry(word, rest)
    copied = _COPIED.match(rest)
    if copied is not None:
        return Entry(word, rest, target=copied["target"].strip(), copied=copied["kind"])
    words = [part for part in rest.split() if not part.startswith("--")]
    return Entry(word, rest, sources=tuple(words[:-1]), target=words[-1] if words else "")


def _run(text: str) -> Entry:
    arguments: tuple[str, ...] = ()
    found = _ARGUMENTS.match(text)
    if found is not None:
        arguments, text = _arguments(text[found.end() :], int(found["count"]))
    shell = _SHELL.match(text)
    if shell is not None:
        return Entry("RUN", shell["command"].strip(), arguments, text[: shell.start("command")].strip())
    return Entry("RUN", text.strip(), arguments)


def _arguments(text: str, count: int) -> tuple[tuple[str, ...], str]:
    """Build arguments have no quotes around them: their values end where the next name or the shell begins."""
    found: list[str] = []
    for _ in range(min(count, 1000)):
        name = re.match(r"[A-Za-z_]\w*=", text)
        if name is None:
            break
        following = re.compile(r" (?=[A-Za-z_]\w*=)" if len(found) + 1 < count else r" (?=/\S*sh |\S+ -\w*c )")
        end = following.search(text)
        if end is None:
            value, _, text = text.partition(" ")
            found.append(value)
            continue
        found.append(text[: end.start()])
        text = text[end.end() :]
    return tuple(found), text


def words_of(text: str) -> tuple[str, ...] | None:
    """The words of an exec form in a history: `["a" "b"]` or `["a","b"]`; None when it is none."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    lexer = shlex.shlex(text[1:-1], posix=True, punctuation_chars="")
    lexer.whitespace += ","
    lexer.whitespace_split = True
    try:
        return tuple(lexer)
    except ValueError:
        return None
