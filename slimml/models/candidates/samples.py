"""Real inputs of a model: files of arrays that a user recorded, and which model each is for.

A sample is an .npz file with an array for each input of the model, by name, or a .npy file for a model of one input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import NotFound, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Feed = dict[str, NDArray[np.generic]]

MOST = 512
"""samples that are looked at, those that come first by name"""
LARGEST = 1 << 30
"""bytes of one file"""
ONLY = ""
"""the name under which a .npy file gives the one input"""


def find(directory: Path) -> list[Path]:
    """The samples beneath `directory`, in the order of their names; raises NotFound, UsageError when there are none."""
    if not directory.is_dir():
        raise NotFound(f"{directory} is no directory of samples")
    found = sorted(path for path in directory.rglob("*.np[yz]") if path.is_file())
    if not found:
        raise UsageError(f"{directory} holds no .npz or .npy files: one for each sample, arrays by the inputs' names")
    return found[:MOST]


def names(path: Path) -> frozenset[str]:
    """The inputs that a sample has; raises UsageError for a file that is not one."""
    return frozenset(_read(path))


def suits(path: Path, inputs: Sequence[str]) -> bool:
    """Whether the sample is for a model of these inputs."""
    found = names(path)
    return set(inputs) <= found or (found == {ONLY} and len(inputs) == 1)


def feeds(paths: Sequence[Path], inputs: Sequence[str] = ()) -> Iterator[Feed]:
    """The samples one after another; `inputs`, if given, leaves out all others and names the one of a .npy file."""
    for path in paths:
        found = _read(path)
        if inputs:
            found = {name: found[name] if name in found else found[ONLY] for name in inputs}
        yield found


def _read(path: Path) -> Feed:
    import numpy as np

    if path.stat().st_size > LARGEST:
        raise UsageError(f"{path}: a sample is at most 1 GiB")
    try:
        with path.open("rb") as stream:
            found = np.load(stream, allow_pickle=False)
            return {ONLY: found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise UsageError(f"{path} is no file of arrays ({error}); write it with numpy.savez") from None
    except Exception as error:
        raise UsageError(f"{path} is no file of arrays ({type(error).__name__})") from None
