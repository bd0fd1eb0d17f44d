"""Where a command puts a new image: said in full, named beside the old one, or the old name and a word."""

from dataclasses import replace

from slimml.errors import Refused, UsageError
from slimml.oci.reference import FILES, Reference, Transport, parse_name, parse_reference


def choose_destination(
    asked: Reference, found: Reference, tag: str | None, output: str | None, word: str = "slim"
) -> Reference:
    """The new image's address; by default the old one's with `-word` on its tag.

    `asked` is what the user typed, `found` where the image was (a bare name has become an engine's or a registry's).
    Raises UsageError, and Refused where the default would push to a registry that nobody named.
    """
    if tag and output:
        raise UsageError("give either --tag or --output, not both")
    if output:
        return parse_reference(output)
    if tag:
        return _named(found, tag, word)
    if asked.transport is Transport.BARE and found.transport is Transport.REGISTRY:
        raise Refused(f"{asked} came from its registry; say where the result goes with -o, such as -o oci:DIR")
    return found.beside(word)


def _named(found: Reference, tag: str, word: str) -> Reference:
    if found.transport is Transport.DOCKER_ARCHIVE:
        return replace(found.beside(word), name=parse_name(tag))
    if found.transport in FILES:
        place = found if found.transport is Transport.LAYOUT else found.beside(word)
        return parse_reference(f"{found.transport.value}:{place.path}:{tag}")
    return replace(found, name=parse_name(tag), image_id=None)
