"""What a Python source imports, wherever in it, and which programs it starts; read off its syntax, never run."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from slimml.oci.limits import MIB

SOURCE_BYTES = 4 * MIB
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?|[A-Za-z_]\w*:[A-Za-z_]\w*", re.ASCII)
_IMPORTERS = frozenset({"import_module", "__import__", "find_spec", "run_module", "import_string", "LazyLoader"})
_STARTERS = frozenset(
    {"run", "Popen", "call", "check_call", "check_output", "getoutput", "system", "popen", "which", "execvp", "execv"}
    | {"create_subprocess_exec", "create_subprocess_shell", "getstatusoutput", "execlp", "spawn"}
)
_LISTS_OF_MODULES = frozenset({"INSTALLED_APPS", "MIDDLEWARE", "plugins", "PLUGINS", "extensions", "EXTENSIONS"})
_MOST_TEXT = 200


@dataclass(frozen=True)
class Source:
    """`imports` are absolute dotted names, of `from a import b` both `a` and `a.b`; `relative` pairs of dots and name.

    `texts` are strings that may name a module (`app:app`, `package.Class`); `programs` are first words of commands.
    `makes_up` says that it imports names that it makes up while it runs, `loads_late` that it has a `__getattr__`.
    """

    imports: frozenset[str] = frozenset()
    relative: frozenset[tuple[int, str]] = frozenset()
    texts: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    makes_up: bool = False
    loads_late: bool = False
    read: bool = True


class SourceTaker:
    """Takes a source (slimml.inventory.read_rows.Taker); one of more than 4 MiB is not read.

    It is kept compressed until it is asked for: reading what it says takes longer than all the rest, and of a large
    distribution few modules are asked for.
    """

    def __init__(self) -> None:
        self._content = b""
        self._packed: bytes | None = None

    @property
    def found(self) -> Source:
        """What the source says, worked out now."""
        return Source(read=False) if self._packed is None else read_source(zlib.decompress(self._packed))

    def begin(self, size: int) -> None:
        """The file begins."""
        self._content = b""
        self._wanted = size <= SOURCE_BYTES

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        if self._wanted:
            self._content += bytes(piece)

    def end(self) -> None:
        """The file is complete."""
        self._packed = zlib.compress(self._content, 1) if self._wanted else None
        self._content = b""


def read_source(content: bytes) -> Source:
    """What a source says; one that Python 3 cannot parse says nothing (`read` False)."""
    try:
        # A stranger's odd escapes are nothing to warn of here.
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(content)
        return _read(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(read=False)


def _read(tree: ast.Module) -> Source:
    imports: set[str] = set()
    relative: set[tuple[int, str]] = set()
    texts: set[str] = set()
    programs: set[str] = set()
    makes_up = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else []
            names += [f"{node.module}.{a.name}" if node.module else a.name for a in node.names if a.name != "*"]
            if node.level:
                relative.update((node.level, name) for name in names)
            else:
                imports.update(names)
        elif isinstance(node, ast.Call):
            called = _called(node)
            if called in _IMPORTERS:
                found = list(_import_call(node))
                makes_up = makes_up or not found
                imports.update(name for name in found if not name.startswith("."))
                relative.update(
                    (len(name) - len(name.lstrip(".")), name.lstrip(".")) for name in found if name[0] == "."
                )
            elif called in _STARTERS:
                programs.update(_program(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if len(node.value) <= _MOST_TEXT and _DOTTED.fullmatch(node.value):
                texts.add(node.value)
        elif isinstance(node, ast.Assign) and any(_name(target) in _LISTS_OF_MODULES for target in node.targets):
            texts.update(_strings(node.value))
    late = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    return Source(frozenset(imports), frozenset(relative), frozenset(texts), frozenset(programs), makes_up, late)


def _called(node: ast.Call) -> str:
    return _name(node.func)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _import_call(node: ast.Call) -> Iterator[str]:
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.strip("."):
        package = node.args[1] if len(node.args) > 1 else None
        if first.value[0] == "." and isinstance(package, ast.Constant) and isinstance(package.value, str):
            yield f"{package.value}{first.value}"
        else:
            yield first.value


def _program(node: ast.Call) -> Iterator[str]:
    """The program that a call starts, where the source says it: `run(["git", …])`, `system("git …")`."""
    for argument in node.args[:1]:
        if isinstance(argument, ast.List | ast.Tuple) and argument.elts:
            argument = argument.elts[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield from command_programs(argument.value)


def _strings(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and len(inner.value) <= _MOST_TEXT:
            yield inner.value


def command_programs(command: str) -> Iterator[str]:
    """The first words of a shell's command line and of what stands after `|`, `;` and `&&` in it."""
    for part in re.split(r"[|;&\n]+", command):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            words = part.split()
        while words and (words[0] in ("exec", "env", "nohup", "sudo", "gosu", "then", "else", "do", "if", "!")
                         or re.fullmatch(r"\w+=.*", words[0])):  # fmt: skip
            del words[0]
        if words:
            yield words[0]
