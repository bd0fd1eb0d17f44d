"""The one tree of errors: what a user did or met, each kind with its documented exit code (docs/exit-codes.md)."""


class SlimmlError(Exception):
    """Something the user can act on. The message is one line: the thing, what is wrong, the way out."""

    exit_code = 1


class UsageError(SlimmlError):
    """The words of the command or of a configuration file cannot be understood."""

    exit_code = 2


class NotFound(SlimmlError):
    """The image, file or blob that was named does not exist."""

    exit_code = 3


class AccessDenied(SlimmlError):
    """A registry, engine or file refused us."""

    exit_code = 4


class Unavailable(SlimmlError):
    """A registry or an engine could not be reached, or stopped answering."""

    exit_code = 5


class InvalidImage(SlimmlError):
    """The image contradicts itself or its format: a wrong digest, a malformed tar, a hostile name."""

    exit_code = 6


class LimitExceeded(InvalidImage):
    """The image is past a limit that protects this machine; `limit` names the field of `oci.limits.Limits`."""

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(f"{message} (limit: {limit}; raise it with --limit {limit}=N if you trust the image)")
        self.limit = limit


class InvalidModel(SlimmlError):
    """A model file contradicts its format, or is past what slimml reads of one."""

    exit_code = 6


class Refused(SlimmlError):
    """slimml will not do it: the result would be larger, would overwrite something, or nobody confirmed it."""

    exit_code = 7


class Unsupported(SlimmlError):
    """A format or feature that slimml knows of and cannot handle."""

    exit_code = 8


class Unproven(SlimmlError):
    """The slim image could not be shown to answer as the original does; nothing was written."""

    exit_code = 9


class InvalidDockerfile(UsageError):
    """A Dockerfile that no builder would take; `line` is the line in question, from 1.

    The message may quote the file: what steers terminals is taken out of it, and what is long is cut.
    """

    def __init__(self, message: str, line: int) -> None:
        said = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in message)
        super().__init__(f"line {line}: {said if len(said) <= 160 else said[:159] + '…'}")
        self.line = line
