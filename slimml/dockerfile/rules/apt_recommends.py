"""apt-get install without --no-install-recommends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.installs import Install, apt_installs
from slimml.dockerfile.packages import bare, packages
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.edit import Edit
    from slimml.dockerfile.stages import Stage

_ID = "apt-recommends"
_OPTION = "--no-install-recommends"
_SAVES = 60_000_000
"""what recommendations add to an ML image, about; with Mesa or ffmpeg several times that"""
_SETTINGS = ("APT::Install-Recommends", "Install-Recommends")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        if any(name in build.document.data.decode("utf-8", "replace") for name in _SETTINGS):
            return
        certified = _has_certificates(build, stage)
        for _, script in build.scripts(stage):
            for install in apt_installs(script):
                if install.has(_OPTION, "--install-suggests", "--install-recommends") or not install.named:
                    continue
                if install.command.program == "aptitude":
                    continue
                edits, certified = _edits(install, certified)
                told = ", ".join(word.text for word in install.named[:4])
                message = f"apt installs what {told} only recommend"
                yield Finding(_ID, install.command.span, message, edits, _SAVES)


def _edits(install: Install, certified: bool) -> tuple[tuple[Edit, ...], bool]:
    """The option, and the certificates that programs of the network take from a recommendation."""
    edits = [insert(install.verb.span.end, f" {_OPTION}")]
    known = {bare(word.text) for word in install.named}
    wanted = {packages().recommended[name] for name in known if name in packages().recommended}
    if "ca-certificates" in wanted - known and not certified:
        edits.append(insert(install.named[-1].span.end, " ca-certificates"))
        certified = True
    return tuple(edits), certified or "ca-certificates" in known


def _has_certificates(build: Build, stage: Stage) -> bool:
    """Python's own images hold certificates; another stage's installation counts where this one continues it."""
    known = build.known(stage)
    if known is not None and known.base.python == "venv":
        return True
    parents = [one for one in build.lineage(stage) if one is not stage]
    return any(
        bare(word.text) == "ca-certificates"
        for parent in parents
        for _, script in build.scripts(parent)
        for install in apt_installs(script)
        for word in install.named
    )


RULE = Rule(
    _ID,
    "apt-get installs recommended packages",
    Risk.LIKELY,
    Severity.WARNING,
    "Recommended packages are for people at a desktop; a service needs what is depended on. Certificates, which curl, "
    "wget and git only recommend, are asked for by name.",
    "https://docs.docker.com/build/building/best-practices/#apt-get",
    _look,
)
