"""`slimml demo`: a sloppy image made from this very Python, made small, and both asked the same questions.

No engine, no registry and no download is needed: the image is an OCI layout of this interpreter, the shared libraries
it loads, and the distributions of the extra `demo`. Only Linux can run it, since the programs in images are Linux's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO


def run(directory: Path | None = None, *, level: str = "likely", out: IO[str] | None = None) -> int:
    """Show everything once, writing to `out` (standard output); the exit code: 0, or 1 when the answers differ.

    The image stays in `directory`, which must not exist or be empty; without one, nothing stays. Raises Unsupported
    away from Linux or without the extra `demo`, Refused for a directory in use, and what analysing raises.
    """
    import sys

    from slimml.demo.show import show

    return show(directory, level=level, out=out or sys.stdout)
