"""What the application names: modules in its sources and its command, programs that it starts, its scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slimml.inventory.form import PYTHON
from slimml.inventory.owner import System
from slimml.inventory.owners.package import text_of
from slimml.oci import documents
from slimml.oci.limits import MIB
from slimml.probes.programs import command_words
from slimml.probes.variables import image_variables
from slimml.usage.closure.python_names import STDLIB, Names
from slimml.usage.closure.python_source import SOURCE_BYTES, Source, SourceTaker, command_programs

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.texts import Texts

_SOURCES, _ALL_SOURCES_BYTES = 20_000, 128 * MIB
_MODULE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(?::[\w.]+(?:\(.*\))?)?", re.ASCII)
_TESTS = re.compile(r"(?:^|/)tests?/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELLS = ("sh", "bash", "dash", "ash")


def command_line(keeping: Keeping) -> tuple[str, ...]:
    """All words of entrypoint, command and health check; a shell's script is taken apart."""
    image = keeping.inventory.image
    runtime, what = image.config.runtime, "the image config"
    words = list(command_words(image))
    for key in ("Entrypoint", "Cmd"):
        for word in documents.sequence(runtime, key, what):
            words += [str(word), *str(word).split()]
    check = documents.sequence(documents.mapping(runtime, "Healthcheck", what), "Test", what)
    for word in check[1:]:
        words += [str(word), *str(word).split()]
    return tuple(dict.fromkeys(words))


def application_directories(keeping: Keeping) -> tuple[str, ...]:
    """Directories, relative to the root, that the application's modules are imported from."""
    image = keeping.inventory.image
    directory = working_directory(keeping)
    python_path = image_variables(image).get("PYTHONPATH", "").split(":")
    scripts = [
        posixpath.dirname(posixpath.join(f"/{directory}", word))
        for word in command_words(image)
        if word.endswith(".py")
    ]
    found = [f"/{directory}", f"/{directory}/src", *scripts, *(path for path in python_path if path)]
    return tuple(dict.fromkeys(posixpath.normpath(f"/{path}").strip("/") for path in found))


def working_directory(keeping: Keeping) -> str:
    """Where the command starts, relative to the root."""
    runtime = keeping.inventory.image.config.runtime
    return (documents.text(runtime, "WorkingDir", "the image config", default="/") or "/").strip("/")


def keep_named(keeping: Keeping, names: Names, read: Read, texts: Texts) -> None:
    """Keep what the application's sources, the command and the environment name."""
    sources = _sources(keeping, read)
    for row, source in sources.items():
        path = keeping.paths[row]
        if not source.read:
            keeping.note(f"/{path} could not be read as Python; what it imports is not known")
        _keep_imports(keeping, names, path, source)
        for program in sorted(source.programs):
            keep_program(keeping, program, f"/{path} starts it")
    variables = image_variables(keeping.inventory.image)
    for word in (*command_line(keeping), *variables.values()):
        if match := _MODULE.fullmatch(word):
            _keep_modules(keeping, names.installed(match[1]), f"the command or the environment names {match[1]}")
    _keep_programs_of_command(keeping, texts)


def _sources(keeping: Keeping, read: Read) -> Mapping[int, Source]:
    """What the application's own sources say, but for its tests; the standard library may be nobody's, too."""
    inventory = keeping.inventory
    sizes, forms = inventory.column("size"), keeping.forms
    takers: dict[int, SourceTaker] = {}
    left = _ALL_SOURCES_BYTES
    for path, row in sorted(keeping.live.items()):
        if forms[row] != PYTHON or not path.endswith(".py") or sizes[row] > SOURCE_BYTES or _TESTS.search(path):
            continue
        if inventory.owners[int(inventory.owner[row])].system is System.APPLICATION and not _of_python(path):
            takers[row] = SourceTaker()
            left -= int(sizes[row])
        if len(takers) >= _SOURCES or left < 0:
            keeping.note(f"the application has very many sources; from /{path} on, what they import is not known")
            break
    if takers:
        read(takers)
    return {row: taker.found for row, taker in takers.items()}


def _of_python(path: str) -> bool:
    directory = posixpath.dirname(path)
    if "-packages" in directory:
        return False
    return any(STDLIB.fullmatch(directory[: match.end()]) for match in re.finditer(r"python3\.\d+t?", directory))


def _keep_imports(keeping: Keeping, names: Names, path: str, source: Source) -> None:
    beside = posixpath.dirname(path)
    for name in sorted(source.imports):
        if not names.local(name.partition(".")[0], beside) or "-packages/" in path:
            _keep_modules(keeping, names.installed(name), f"/{path} imports {name}")
    for text in sorted(source.texts):
        module = text.partition(":")[0]
        if "." in module or ":" in text:
            _keep_modules(keeping, names.installed(module), f"/{path} names {text}")


def _keep_modules(keeping: Keeping, rows: Iterable[int], reason: str) -> None:
    for row in rows:
        keeping.keep(row, reason)


def keep_program(keeping: Keeping, word: str, reason: str) -> str | None:
    """Keep the program that `word` names, by path or on PATH; its path, None where there is none."""
    variables = image_variables(keeping.inventory.image)
    if "/" in word:
        places = [posixpath.normpath(posixpath.join(f"/{working_directory(keeping)}", word))]
    else:
        places = [f"{directory}/{word}" for directory in variables.get("PATH", _PATH).split(":") if directory]
    for place in places:
        way = keeping.way(place)
        if way and not keeping.is_directory[way[-1]]:
            keeping.keep_all(way, reason)
            return keeping.paths[way[-1]]
    return None


def _keep_programs_of_command(keeping: Keeping, texts: Texts) -> None:
    """Programs and files that the command and the health check name, and programs that their shell scripts name."""
    scripts: set[int] = set()
    for word in command_line(keeping):
        if word and not word.startswith("-") and "\n" not in word:
            path = keep_program(keeping, word, f"the image's command names {word}")
            if path is not None:
                scripts.add(keeping.live[path])
    found = texts.read(row for row in sorted(scripts) if not keeping.forms[row].startswith("elf"))
    for row, content in found.items():
        path = keeping.paths[row]
        interpreter = interpreter_of(content)
        keep_interpreter(keeping, path, interpreter)
        if any(posixpath.basename(word) in _SHELLS for word in interpreter):
            for program in sorted(set(command_programs(text_of(content)))):
                keep_program(keeping, program, f"/{path} names it")


def interpreter_of(content: bytes) -> list[str]:
    """The words of a script's first line after `#!`; none where it has no such line (execve(2))."""
    if content[:2] != b"#!":
        return []
    return text_of(content[2:256].partition(b"\n")[0]).split()


def keep_interpreter(keeping: Keeping, path: str, words: list[str]) -> None:
    """Keep the program that a script names in its first line, and what `env` is told to start."""
    if words:
        keep_program(keeping, words[0], f"/{path} names it as its interpreter")
        if posixpath.basename(words[0]) == "env":
            for word in words[1:]:
                if not word.startswith("-") and "=" not in word:
                    keep_program(keeping, word, f"/{path} names it as its interpreter")
                    break
