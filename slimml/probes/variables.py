"""`$NAME` and `${NAME}` in a suite stand for the image's own variables, where the suite's format has it so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.oci import documents
from slimml.probes.probe import CommandProbe, Probe, Suite

if TYPE_CHECKING:
    from slimml.oci.image import Image

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


def image_variables(image: Image) -> dict[str, str]:
    """The environment that an image's configuration sets; raises InvalidImage."""
    found = documents.sequence(image.config.runtime, "Env", "the image config")
    pairs = (str(item).partition("=") for item in found)
    return {name: value for name, _, value in pairs}


def substituted(suite: Suite, image: Image) -> Suite:
    """The suite as it is asked of `image`: the same, unless its format substitutes variables."""
    if not suite.substitute:
        return suite
    known = image_variables(image)
    environment = _of(suite.environment, known)
    known = known | environment
    return replace(suite, environment=environment, probes=tuple(_probe(probe, known) for probe in suite.probes))


def _probe(probe: Probe, known: Mapping[str, str]) -> Probe:
    if not isinstance(probe, CommandProbe):
        return probe
    environment = _of(probe.environment, known)
    inner = {**known, **environment}
    return replace(probe, environment=environment, argv=tuple(_text(word, inner) for word in probe.argv))


def _of(environment: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {name: _text(value, known) for name, value in environment.items()}


def _text(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], ""), text)
