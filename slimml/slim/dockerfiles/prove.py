"""Builds the image of a Dockerfile as it was and as rules make it, and keeps the rules whose image answers the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slimml.dockerfile.fix import Fixed, fix
from slimml.errors import Unproven
from slimml.progress import SILENT, Progress
from slimml.slim.dockerfiles.good_rules import Search
from slimml.slim.dockerfiles.loaded import lacking_packages
from slimml.slim.dockerfiles.programs import Builder, BuildFailed, fresh_name
from slimml.slim.mending.evidence import symptom
from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against, learn_baseline, reconsider

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.rule import Rule
    from slimml.engine.container import Engine
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite
    from slimml.verify.verification import Baseline, Verification

Open = Callable[[str], "Image"]
"""opens an image of the engine by its name"""
Remark = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """Bytes of an image's contents on disk, and of its layers as far as the engine says."""

    disk_bytes: int
    layers: int


@dataclass(frozen=True)
class Proven:
    """The Dockerfile that works. `name` is the engine's name of its image, `dropped` says for each rule that was
    given up why, `trials` how many sets of rules were built. `verification` is None where nobody asked.
    """

    fixed: Fixed
    name: str
    before: Size
    after: Size
    dropped: dict[str, str]
    trials: int
    verification: Verification | None


@dataclass
class Trials:
    """Builds sets of rules and asks their images."""

    build: Build
    rules: Sequence[Rule]
    builder: Builder
    open: Open
    engine: Engine | None
    baseline: Baseline | None
    original: Image
    original_name: str
    progress: Progress = SILENT
    remark: Remark = lambda text: None
    names: list[str] = field(default_factory=list)
    made: dict[tuple[str, ...], tuple[Fixed, str, Verification | None]] = field(default_factory=dict)

    def check(self, wanted: tuple[str, ...]) -> str:
        """Build the file with these rules alone and ask its image; "" when it answers as the original."""
        fixed = fix(self.build, [rule for rule in self.rules if rule.id in wanted])
        context = self.build.context
        for file in fixed.files:
            context = context.with_file(file.path, file.text)
        name = fresh_name()
        self.names.append(name)
        self.remark(f"building with {', '.join(wanted)} …")
        try:
            self.builder.build(fixed.after, context, name)
            if self._lacks(fixed, name):
                fixed = fix(self.build, [rule for rule in self.rules if rule.id in wanted])
                self.builder.build(fixed.after, context, name)
        except BuildFailed as error:
            self.remark(f"it does not build: {error}")
            return f"it does not build: {error}"
        verification = self._ask(name)
        if verification is not None and verification.verdict is not Verdict.SAME:
            self.remark(f"it is not right: {symptom(verification)}")
            return f"it answers otherwise: {symptom(verification)}"
        self.made[wanted] = fixed, name, verification
        return ""

    def _lacks(self, fixed: Fixed, name: str) -> bool:
        """Whether the last of two stages was seen to lack packages, which it gets from now on."""
        if "multi-stage" not in fixed.rules:
            return False
        lacking = lacking_packages(self.builder, self.original_name, name) - self.build.needed
        if lacking:
            self.remark(f"its libraries need {', '.join(sorted(lacking))}: building again")
            self.build = replace(self.build, needed=self.build.needed | lacking)
        return bool(lacking)

    def _ask(self, name: str) -> Verification | None:
        if self.engine is None or self.baseline is None:
            return None
        found = check_against(self.engine, self.baseline, self.open(name), self.progress)
        self.baseline, found = reconsider(self.engine, self.original, self.baseline, found, progress=self.progress)
        return found


@contextmanager
def proven(
    build: Build,
    rules: Sequence[Rule],
    builder: Builder,
    open_image: Open,
    *,
    asked: Callable[[Image], tuple[Engine, Suite] | None],
    original: str = "",
    progress: Progress = SILENT,
    remark: Remark = lambda text: None,
) -> Iterator[Proven | None]:
    """The best Dockerfile that was shown to work, None where no rule has anything to do or none is left.

    `original` names an image that the file as it is was built to, "" to build it. `asked` gives the engine and the
    suite for it, None to ask nothing. Images that were built have names until the context is left. Raises
    BuildFailed where the original does not build, Unproven where it fails its own probes.
    """
    first = fix(build, rules)
    if not first.changed:
        yield None
        return
    names: list[str] = []
    try:
        if not original:
            original = fresh_name()
            names.append(original)
            remark("building the Dockerfile as it is …")
            builder.build(build.document.data, build.context, original)
        image = open_image(original)
        ask = asked(image)
        engine = ask[0] if ask else None
        baseline = _learn(ask, image, progress) if ask else None
        trials = Trials(build, rules, builder, open_image, engine, baseline, image, original, progress, remark, names)
        search = Search(trials.check)
        good = search.run(first.rules)
        if not good:
            remark("no rule is left")
            yield None
            return
        fixed, name, verification = trials.made[good]
        before, after = size_of(image), size_of(open_image(name))
        yield Proven(fixed, name, before, after, dict(search.dropped), search.trials, verification)
    finally:
        for name in names:
            builder.remove(name)


def _learn(ask: tuple[Engine, Suite], image: Image, progress: Progress) -> Baseline:
    engine, suite = ask
    baseline = learn_baseline(engine, image, suite, progress=progress)
    failed = next((one.failure for one in baseline.rounds if one.failure is not None), "")
    bad = next((answer for one in baseline.rounds for answer in one.answers if not answer.good), None)
    if failed or bad is not None:
        said = failed or f"it fails its probe {bad.probe!r}" if bad is not None else failed
        raise Unproven(f"the image of the Dockerfile as it is does not pass its own probes: {said}")
    return baseline


def size_of(image: Image) -> Size:
    """What an image takes, by its file table."""
    from slimml.inventory.take import take_inventory

    inventory = take_inventory(image)
    return Size(inventory.disk_bytes, len(image.layers))
