"""Archives of installed packages that apt keeps where nobody told it not to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import add_command
from slimml.dockerfile.installs import apt_installs, apt_verb
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Script
    from slimml.dockerfile.instructions import Instruction

_ID = "apt-clean"
_PLACE = "/var/cache/apt"
_SAVES = 40_000_000


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        known = build.known(stage)
        if known is not None and known.base.clean:
            continue
        for run, script in build.scripts(stage):
            if any(apt_installs(script)) and not _cleans(run, script):
                message = "apt may keep the archives of what it installed: nothing is known of this base"
                if script.end is None:
                    yield Finding(_ID, run.text_span, message, kept="what ends the RUN is no command")
                    continue
                edit = add_command(build.document, run, script.end, "apt-get clean")
                yield Finding(_ID, run.text_span, message, (edit,), _SAVES)


def _cleans(run: Instruction, script: Script) -> bool:
    cleaned = any(apt_verb(command) in ("clean", "autoclean", "dist-clean") for command in script.commands)
    mounted = any(_PLACE in (flag.value or "") for flag in run.flags_named("mount"))
    return cleaned or mounted or _PLACE in run.arguments.text


RULE = Rule(
    _ID,
    "apt's archives are kept",
    Risk.SAFE,
    Severity.NOTE,
    "Debian's and Ubuntu's own images tell apt to keep no archives; others do not. apt-get clean in the same "
    "RUN removes "
    "what has been unpacked already.",
    "https://manpages.debian.org/bookworm/apt/apt-get.8.en.html",
    _look,
)
