"""What a Python source imports, wherever in it, and which programs it starts; read off its syntax, never run."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from slimml.oci.limits import MIB

SOURCE_BYTES = 4 * MIB
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?|[A-Za-z_]\w*:[A-Za-z_]\w*", re.ASCII)
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
IMPORTERS = frozenset({"import_module", "__import__", "find_spec", "run_module", "import_string", "LazyLoader"})
_STARTERS = frozenset(
    {"run", "Popen", "call", "check_call", "check_output", "getoutput", "system", "popen", "which", "execvp", "execv"}
    | {"create_subprocess_exec", "create_subprocess_shell", "getstatusoutput", "execlp", "spawn"}
)
LOADERS = frozenset(
    {"CDLL", "PyDLL", "LoadLibrary", "load_library", "load_op_library", "ExtensionFileLoader", "dlopen"}
)
_LISTS_OF_MODULES = frozenset({"INSTALLED_APPS", "MIDDLEWARE"})
"""Django's settings, which name modules without a dot"""
_MOST_TEXT = 200


@dataclass(frozen=True)
class Source:
    """`imports` are absolute dotted names, of `from a import b` both `a` and `a.b`; `relative` pairs of dots and name.

    `texts` are strings that may name a module (`app:app`, `package.Class`); `programs` are first words of commands.
    `makes_up` says that it imports names that it makes up while it runs, `loads_late` that it has a `__getattr__`,
    `loads_libraries` that it calls the loader (ctypes, torch.ops).
    """

    imports: frozenset[str] = frozenset()
    relative: frozenset[tuple[int, str]] = frozenset()
    texts: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    makes_up: bool = False
    loads_libraries: bool = False
    loads_late: bool = False
    read: bool = True


class SourceTaker:
    """Takes a source and keeps what it says (slimml.inventory.read_rows.Taker); one of more than 4 MiB is not read."""

    def __init__(self) -> None:
        self._content = b""
        self.found = Source(read=False)

    def begin(self, size: int) -> None:
        """The file begins."""
        self._content = b""
        self._wanted = size <= SOURCE_BYTES

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        if self._wanted:
            self._content += bytes(piece)

    def end(self) -> None:
        """Read what it says and forget it."""
        self.found = read_source(self._content) if self._wanted else Source(read=False)
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


class _Reading:
    """What has been seen of a syntax tree."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.relative: set[tuple[int, str]] = set()
        self.texts: set[str] = set()
        self.programs: set[str] = set()
        self.makes_up = self.loads = False

    def see(self, node: ast.AST) -> None:
        """One node of the tree."""
        if isinstance(node, ast.Import):
            self.imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if len(node.value) <= _MOST_TEXT and _DOTTED.fullmatch(node.value):
                self.texts.add(node.value)
        elif isinstance(node, ast.Assign) and any(_name(target) in _LISTS_OF_MODULES for target in node.targets):
            self.imports.update(text for text in _strings(node.value) if _MODULE.fullmatch(text))

    def _import_from(self, node: ast.ImportFrom) -> None:
        start = f"{node.module}." if node.module else ""
        names = [node.module] if node.module else []
        names += [f"{start}{alias.name}" for alias in node.names if alias.name != "*"]
        if node.level:
            # `from . import *` names nothing but the package itself.
            self.relative.update((node.level, name) for name in names or [""])
        else:
            self.imports.update(names)

    def _call(self, node: ast.Call) -> None:
        called = _name(node.func)
        if called in IMPORTERS:
            found = list(_import_call(node))
            self.makes_up = self.makes_up or not found
            self.imports.update(name for name in found if not name.startswith("."))
            dotted = [(name, name.lstrip(".")) for name in found if name.startswith(".")]
            self.relative.update((len(name) - len(bare), bare) for name, bare in dotted)
        elif called in LOADERS:
            self.loads = True
        elif called in _STARTERS:
            self.programs.update(_program(node))


def _read(tree: ast.Module) -> Source:
    reading = _Reading()
    for node in ast.walk(tree):
        reading.see(node)
    return Source(
        imports=frozenset(reading.imports),
        relative=frozenset(reading.relative),
        texts=frozenset(reading.texts),
        programs=frozenset(reading.programs),
        makes_up=reading.makes_up,
        loads_libraries=reading.loads,
        loads_late=any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body),
    )


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
