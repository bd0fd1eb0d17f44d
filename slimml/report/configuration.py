"""The reference of settings, written from their definition: `python -m slimml.report.configuration` prints it."""

import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from typing import Any

from slimml.oci.limits import Limits
from slimml.settings import AnalyzeSettings, OptimizeSettings, Settings, key_of, variable

_INTRODUCTION = """\
# Configuration

<!-- Written by `python -m slimml.report.configuration`; a test compares. Change slimml/settings.py instead. -->

Defaults may stand in a file, in environment variables, or on the command line. The command line wins over variables,
variables win over the file.

- **File:** the nearest `slimml.toml`, or `pyproject.toml` with a `[tool.slimml]` table, in the current directory or
  above it. One file is read, never two. An unknown key is an error that names the nearest known one.
  What is asked of images stands in the same file under `[probes]`: see [probes.md](probes.md); what is allowed of them
  under `[budgets]`: see [gates.md](gates.md).
- **Variables:** `SLIMML_` and the key in capitals, `.` and `-` as `_`: `optimize.keep-removed` is
  `SLIMML_OPTIMIZE_KEEP_REMOVED`. Lists are separated by commas. An empty variable counts as not set.
- Settings marked *variable only* decide whom slimml trusts. A file may lie in somebody else's checkout, so they are not
  taken from files.

```toml
# slimml.toml
platform = "linux/amd64"

[analyze]
top = 20

[optimize]
level = "likely"
keep = ["/app/**"]

[limits]
layer_bytes = 1_000_000_000_000
```
"""

_SECTIONS: tuple[tuple[str, str, Any], ...] = (
    ("", "Settings", Settings),
    ("analyze.", "`[analyze]`", AnalyzeSettings),
    ("optimize.", "`[optimize]`", OptimizeSettings),
)


def reference() -> str:
    """docs/configuration.md, whole."""
    parts = [_INTRODUCTION]
    for prefix, title, kind in _SECTIONS:
        parts += [f"\n## {title}\n\n", "| key | type | default | meaning |\n|---|---|---|---|\n", *_rows(prefix, kind)]
    parts.append(
        "\n## `[limits]`\n\nWhat an image may cost this machine; `--limit NAME=N` says the same for one run. "
        "Sizes are bytes.\n\n| key | default |\n|---|---:|\n"
    )
    parts += [f"| `limits.{member.name}` | {member.default:,} |\n" for member in fields(Limits)]
    return "".join(parts)


def _rows(prefix: str, kind: Any) -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    for member in fields(kind):
        if is_dataclass(hints[member.name]):
            continue
        dotted = prefix + key_of(member.name)
        where = f"; variable only: `{variable(dotted)}`" if member.metadata["trusted"] else ""
        yield f"| `{dotted}` | {_type(hints[member.name], member)} | {_default(member.default)} | "
        yield f"{member.metadata['doc']}{where} |\n"


def _type(hint: Any, member: Field[Any]) -> str:
    if member.metadata["choices"]:
        return ", ".join(f"`{choice}`" for choice in member.metadata["choices"])
    if typing.get_origin(hint) is tuple:
        return "list of texts"
    wanted = typing.get_args(hint)[0] if isinstance(hint, types.UnionType) else hint
    return {bool: "true or false", int: "number", str: "text"}[wanted]


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None or value == ():
        return "none"
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
