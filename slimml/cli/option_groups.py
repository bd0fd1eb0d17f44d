"""Options that belong together, given to a command as one argument: what they say, made into a value."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from slimml.cli.session import Session

Command = Callable[..., None]


def with_group(
    argument: str, options: Mapping[str, tuple[Any, Any]], make: Callable[..., Any]
) -> Callable[[Command], Command]:
    """Give a command `options` (annotation and default by name), and pass `make(*values)` as its `argument`.

    The command's first parameter is its Session. Typer reads options off a signature, so the signature is extended;
    `make` may raise UsageError.
    """

    def decorate(function: Command) -> Command:
        def command(session: Session, **given: Any) -> None:
            function(session, **{argument: make(*(given.pop(name) for name in options))}, **given)

        first, *others = (one for one in inspect.signature(function).parameters.values() if one.name != argument)
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in options.items()
        ]
        keyword_only = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in others]
        command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, function.__module__
        vars(command)["__signature__"] = inspect.Signature([first, *keyword_only, *added])
        return command

    return decorate
