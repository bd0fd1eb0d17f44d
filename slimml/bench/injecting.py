"""Lends an image a module that Python runs as it starts, and that tells on standard error what happens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.container import Mount
from slimml.probes.probe import HttpProbe
from slimml.probes.variables import image_variables

if TYPE_CHECKING:
    from slimml.bench.first_answer import Question
    from slimml.engine.container import Engine, Prepared
    from slimml.probes.probe import Suite

INJECTED = Path(__file__).parent / "injected"
"""the directory of its sitecustomize.py"""
LENT_AT = "/slimml-start"
"""where that appears in a container"""


def runs_here(engine: Engine) -> bool:
    """Whether programs run among this machine's own files, in no container."""
    return engine.name == "host" and engine.facts().runtime == "process"


def lend(
    engine: Engine, prepared: Prepared, suite: Suite, question: Question, wanted: str, environment: Mapping[str, str]
) -> tuple[Suite, Question]:
    """The suite and its question with the module on Python's path, told what is `wanted` of it, and more variables.

    A virtual environment of this machine is no container, nothing is mounted there: the module is used where it lies.
    """
    here = runs_here(engine)
    inherited = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")} if here else image_variables(prepared.image)
    own = {**inherited, **suite.environment}
    if not isinstance(question, HttpProbe):
        own |= question.environment
    path = [str(INJECTED) if here else LENT_AT, *filter(None, [own.get("PYTHONPATH")])]
    more = {**environment, "PYTHONPATH": ":".join(path), "SLIMML_START": wanted}
    mounts = () if here else (Mount(INJECTED, LENT_AT),)
    lent = replace(suite, environment={**suite.environment, **more}, mounts=(*suite.mounts, *mounts))
    if isinstance(question, HttpProbe):
        return lent, question
    return lent, replace(question, environment={**question.environment, **more})
