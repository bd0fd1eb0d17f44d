"""Who brought a file: an OS package, a Python distribution, a conda or npm package, or the application."""

from dataclasses import dataclass, field
from enum import StrEnum


class System(StrEnum):
    """The package manager that an owner belongs to."""

    DPKG = "dpkg"
    APK = "apk"
    RPM = "rpm"
    CONDA = "conda"
    PYTHON = "python"
    NPM = "npm"
    APPLICATION = "application"
    """owned by no package: the user's own files"""
    UNKNOWN = "unknown"
    """under the control of a package database that could not be read"""


@dataclass(frozen=True)
class Owner:
    """A package or distribution. `place` is its directory or database entry, `requires` names of others it needs
    (without versions, alternatives joined by `|`), `provides` names it also answers to.

    `section` is dpkg's Section; `essential` says the package manager marks it essential, required or protected;
    `automatic` that it came only as a dependency (None: not known). `database` lists the live paths that record it and
    no other (info files, dist-info, conda-meta JSON). Of two packages of dpkg with one name and two architectures each
    is named `NAME:ARCHITECTURE`.
    """

    system: System
    name: str
    version: str = ""
    place: str = ""
    section: str = ""
    summary: str = ""
    essential: bool = False
    automatic: bool | None = None
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    database: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """`system:name`, as reports show it."""
        return self.name if self.system is System.APPLICATION else f"{self.system.value}:{self.name}"


APPLICATION = Owner(System.APPLICATION, "application")
"""Owner 0 of every inventory."""
