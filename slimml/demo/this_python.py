"""What the running Python consists of: interpreter, standard library, the shared libraries it loads, distributions."""

import importlib.metadata as metadata
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slimml.errors import Unsupported

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_SYSTEM = ("/lib", "/usr/lib")
_SITES = {"site-packages", "dist-packages"}

# Every extension module of the standard library is tried, so that the libraries behind ssl, sqlite3 and the like come
# along. Those of graphical toolkits and of Python's own tests would bring half a desktop.
_LOAD = """
import importlib, os, sys, sysconfig
for name in sys.argv[1:]:
    importlib.import_module(name)
for name in os.listdir(os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")) if len(sys.argv) == 1 else ():
    module = name.partition(".")[0]
    if not module.startswith(("_tk", "_test", "xx", "_ctypes_test", "_curses_panel")):
        try:
            importlib.import_module(module)
        except Exception:
            pass
print(open("/proc/self/maps").read())
"""


@dataclass
class Tree:
    """Files to put into an image: path there (no leading slash) to path here, and symbolic links to their text."""

    files: dict[str, Path] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def add_directory(self, source: Path, target: str, leave_out: Iterable[str] = ()) -> None:
        """All files beneath `source`, as they stand; directories named in `leave_out` are not entered."""
        left_out = frozenset(leave_out)
        for parent, directories, names in os.walk(source):
            directories[:] = sorted(name for name in directories if name not in left_out)
            inner = PurePosixPath(target) / Path(parent).relative_to(source).as_posix()
            for name in sorted(names):
                path = Path(parent) / name
                if path.is_file():
                    self.files[str(inner / name)] = path


def interpreter(modules: Iterable[str]) -> Tree:
    """The interpreter below usr/local, its standard library, and the shared libraries that it loads here.

    Those libraries are included that the given modules load from outside site-packages. Raises Unsupported.
    """
    tree = Tree()
    program = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    tree.files[f"usr/local/bin/{VERSION}"] = program
    tree.links |= {"usr/local/bin/python3": VERSION, "usr/local/bin/python": VERSION}
    tree.add_directory(Path(sysconfig.get_path("stdlib")), f"usr/local/{sys.platlibdir}/{VERSION}", _SITES)
    wanted = tuple(modules)
    _add_libraries(tree, _loaded_by(program, ()) | (_loaded_by(Path(sys.executable), wanted) if wanted else set()))
    return tree


def _loaded_by(program: Path, modules: Iterable[str]) -> set[Path]:
    """The shared libraries in the memory of a Python that imported what `_LOAD` says (proc_pid_maps(5))."""
    asked = subprocess.run([program, "-P", "-c", _LOAD, *modules], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise Unsupported(f"this Python cannot tell its shared libraries: {asked.stderr.strip()[-200:]}")
    paths = {Path(words[5]) for line in asked.stdout.splitlines() if len(words := line.split(maxsplit=5)) == 6}
    return {path for path in paths if ".so" in path.name and path.is_file() and not _is_ours(path)}


def _is_ours(path: Path) -> bool:
    """Whether a file comes along with the standard library or a distribution anyway."""
    homes = (sysconfig.get_path("stdlib"), sysconfig.get_path("platlib"), sysconfig.get_path("purelib"))
    return any(path.is_relative_to(home) for home in homes) or not _SITES.isdisjoint(path.parts)


def _add_libraries(tree: Tree, libraries: set[Path]) -> None:
    """Libraries of the system keep their places, where the loader looks; all others go to usr/local/lib."""
    for path in sorted(libraries):
        home = str(path.parent) if str(path).startswith(_SYSTEM) else "/usr/local/lib"
        tree.files[f"{home[1:]}/{path.name}"] = path
        # Programs ask for the library by its soname, which is a link beside it.
        for near in path.parent.iterdir():
            if near.is_symlink() and near.name.startswith(path.name.partition(".so")[0]) and near.resolve() == path:
                tree.links[f"{home[1:]}/{near.name}"] = path.name
    for name in ("lib", "lib64", "bin", "sbin"):
        if os.path.islink(f"/{name}"):
            tree.links[name] = os.readlink(f"/{name}")
    # The kernel opens the loader by the name that the interpreter carries, which is a link on most systems.
    for loader in (*Path("/lib64").glob("ld-*"), *Path("/lib").glob("ld-*")):
        if loader.resolve() in libraries:
            place = f"{loader.parent.resolve()}/{loader.name}"
            if place != str(loader.resolve()):
                tree.links[place[1:]] = str(loader.resolve())


def closure(names: Iterable[str]) -> dict[str, metadata.Distribution]:
    """The installed distributions `names` and all they require here, by normalised name; raises Unsupported."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise Unsupported(f"the demo needs {name}; install it with: pip install 'slimml[demo]'") from None
        found[name] = distribution
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def files_of(distribution: metadata.Distribution) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files of a distribution: their place relative to site-packages, and where they are here."""
    for file in distribution.files or ():
        here = Path(str(distribution.locate_file(file)))
        if here.is_file():
            yield PurePosixPath(file.as_posix()), here


def virtual_environment(root: str, distributions: Mapping[str, metadata.Distribution]) -> Tree:
    """A virtual environment at `root` of the image with the given distributions in it."""
    tree = Tree(links={f"{root}/bin/{name}": f"/usr/local/bin/{VERSION}" for name in ("python", "python3", VERSION)})
    tree.links[f"{root}/lib64"] = "lib"
    site = PurePosixPath(root, "lib", VERSION, "site-packages")
    for distribution in distributions.values():
        for place, here in files_of(distribution):
            target = os.path.normpath(site / place)
            if target.startswith(f"{root}/"):
                tree.files[target] = here
    return tree
