"""What every command is given: settings, how to reach images, where to print. Made from the shared options."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.cli import options
from slimml.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.oci.transfer import Access
    from slimml.progress import Progress
    from slimml.settings import Settings

_SHOWING: dict[str, Any] = {
    "json": options.Json,
    "quiet": options.Quiet,
    "no_color": options.NoColor,
    "debug": options.Debug,
}
_REACHING: dict[str, Any] = {
    "platform": options.PlatformOption,
    "limit": options.LimitOptions,
    "insecure": options.Insecure,
    "engine": options.Engine,
    "no_store": options.NoStore,
}
_FLAGS = frozenset({"json", "no_color", "debug", "no_store"})


@dataclass(frozen=True)
class Session:
    """One run of a command. `json` asks for a document on standard output; all remarks go to standard error."""

    settings: "Settings"
    access: "Access"
    json: bool
    quiet: bool

    @cached_property
    def out(self) -> "Console":
        """Standard output, for the answer."""
        from slimml.report.console import console

        return console(sys.stdout, color=self.settings.color)

    @cached_property
    def err(self) -> "Console":
        """Standard error, for remarks and questions."""
        from slimml.report.console import console

        return console(sys.stderr, color=self.settings.color)

    @cached_property
    def progress(self) -> "Progress":
        """Bars on standard error where a person looks at it, else silence."""
        from slimml.progress import SILENT

        if self.quiet or not sys.stderr.isatty():
            return SILENT
        from slimml.report.progress import Bars

        return Bars(self.err)

    def remark(self, text: str) -> None:
        """A line on standard error, unless quiet. `text` may hold words of the image."""
        if not self.quiet:
            from slimml.report.untrusted import visible

            self.err.print(visible(text), soft_wrap=True)

    def answer(self, name: str, value: Any = None, **more: Any) -> None:
        """One JSON document on standard output, as the published schema `name` describes it."""
        from slimml.report.json import document, write

        write(document(name, value, **more), sys.stdout)


def with_session(*, images: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the shared options, and pass what they say as its first argument, a Session.

    `images` says that the command reaches images: it takes the options of how to reach them, too. Typer reads a
    command's options off its signature, so the signature is extended.
    """
    shared = _SHOWING | (_REACHING if images else {})

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            function(begin({name: given.pop(name) for name in shared}), **given)

        own = list(inspect.signature(function).parameters.values())[1:]
        added = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=name not in _FLAGS and None, annotation=kind
            )
            for name, kind in shared.items()
        ]
        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        parameters = [*keyword_only, *added]
        command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, function.__module__
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        vars(command)["__signature__"] = inspect.Signature(parameters)
        return command

    return decorate


def begin(given: dict[str, Any]) -> Session:
    """A session of the shared options over the settings that hold here; raises UsageError, AccessDenied."""
    from dataclasses import replace

    from slimml.oci.platform import host_platform, parse_platform
    from slimml.oci.transfer import Access
    from slimml.settings import load

    settings = load(Path.cwd())
    settings = replace(settings, color=settings.color and not given["no_color"])
    platform = given.get("platform") or settings.platform
    insecure = given.get("insecure")
    access = Access(
        platform=parse_platform(platform) if platform else host_platform(),
        insecure=settings.insecure if insecure is None else insecure,
        engine=given.get("engine") or settings.engine,
        read_store=settings.read_store and not given.get("no_store"),
        limits=settings.limits.with_overrides(parse_limits(given.get("limit") or [])),
    )
    quiet = settings.quiet if given["quiet"] is None else given["quiet"]
    return Session(settings, access, json=given["json"], quiet=quiet)


def parse_limits(words: list[str]) -> dict[str, int]:
    """`NAME=N` words as numbers by name; raises UsageError."""
    found: dict[str, int] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not (value.isascii() and value.replace("_", "").isdigit()):
            raise UsageError(f"--limit {word}: not NAME=N with a whole number")
        found[name] = int(value)
    return found
