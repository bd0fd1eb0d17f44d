"""One model file: its candidates made, checked, judged and measured, and the best of them chosen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slimml.models.candidates import drift, guard, samples
from slimml.models.candidates.candidate import ORIGINAL, Candidate, Measured, Objective, best
from slimml.models.candidates.guard import Judge, Verdict
from slimml.models.candidates.measure import measure, sizes
from slimml.models.candidates.processes import Failed, NotMade, ask
from slimml.models.candidates.recipe import Recipe, Tier, recipes
from slimml.models.model_file import Format

NOT_JUDGED = "nothing says whether it is right: give samples or an evaluation command"


@dataclass(frozen=True)
class Options:
    """How far to go, and by what a candidate is judged. `evaluate` is given a candidate's file and tells its metric,
    of which more is better; `judge` says more than a number would. `asked` names recipes that are made only so.
    """

    upto: Tier = Tier.LOSSLESS
    objective: Objective = Objective.SIZE
    samples: tuple[Path, ...] = ()
    evaluate: Callable[[Path], float] | None = None
    judge: Judge | None = None
    asked: frozenset[str] = frozenset()
    rounds: int = 3


@dataclass(frozen=True)
class FileResult:
    """What became of one file. `candidates` begins with the original; `taken` is the best's name, "" where the original
    stays; `files` are the best's: the model, and what lies beside it.
    """

    path: Path
    format: Format
    candidates: tuple[Candidate, ...]
    taken: str
    files: tuple[Path, ...] = ()

    @property
    def original(self) -> Candidate:
        """The file as it was."""
        return self.candidates[0]

    @property
    def best(self) -> Candidate:
        """The form that is taken: the original where none is better."""
        return next(one for one in self.candidates if one.name == (self.taken or ORIGINAL))


@dataclass(frozen=True)
class _Work:
    """What all candidates of one file share."""

    source: Path
    kind: Format
    place: Path
    options: Options
    samples: tuple[Path, ...]
    feed: Path | None
    metric: float | None


def shrink_file(
    source: Path, kind: Format, place: Path, options: Options, given: Mapping[str, Path] | None = None
) -> FileResult:
    """Make and weigh the candidates of the model `source` in the empty directory `place`, where they stay.

    `given` are forms that somebody else made, by name, to be judged with ours. A candidate that cannot be made is told
    with the reason; nothing is raised for it. Raises UsageError for samples or an evaluation that fail on the original.
    """
    work = _prepare(source, kind, place, options)
    found = recipes(kind, options.upto, samples=bool(work.samples), asked=options.asked)
    candidates = [_judged(work, _made(work, recipe)) for recipe in found]
    candidates += [_judged(work, _given(work, name, file)) for name, file in (given or {}).items()]
    original = Candidate(ORIGINAL, "", metric=work.metric)
    original, *candidates = _measured(work, [original, *candidates])
    chosen = best(original, candidates, options.objective)
    files = _files(work, chosen) if chosen else ()
    return FileResult(source, kind, (original, *candidates), chosen.name if chosen else "", tuple(files))


def _prepare(source: Path, kind: Format, place: Path, options: Options) -> _Work:
    metric = options.evaluate(source) if options.evaluate else None
    if kind is not Format.ONNX:
        return _Work(source, kind, place, options, (), None, metric)
    made_up = place / "made-up.npz"
    try:
        told = ask("check", place, model=str(source), like=str(source), feed=str(made_up), foreign=False)
    except Failed:
        return _Work(source, kind, place, options, (), None, metric)
    own = tuple(path for path in options.samples if samples.suits(path, told["inputs"]))
    feed = own[0] if own else made_up if told["feed"] else None
    work = _Work(source, kind, place, options, own, feed, metric)
    if own:
        _answers(work, ORIGINAL, source)
    return work


def _made(work: _Work, recipe: Recipe) -> Candidate:
    own = work.place / recipe.name
    own.mkdir()
    made = Candidate(recipe.name, recipe.tier.value)
    target = own / work.source.name
    try:
        did = ask(
            "make",
            work.place,
            recipe=recipe.name,
            source=str(work.source),
            target=str(target),
            samples=[str(path) for path in work.samples],
        )
        if not target.is_file():
            raise Failed("nothing was written")
        if work.kind is Format.ONNX:
            _check(work, target, own, foreign=recipe.foreign)
    except Failed as why:
        shutil.rmtree(own, ignore_errors=True)
        return replace(made, failed=str(why), unsuitable=isinstance(why, NotMade))
    return replace(made, did=did)


def _given(work: _Work, name: str, file: Path) -> Candidate:
    """A form that somebody else made, checked as our own are."""
    own = work.place / name
    own.mkdir()
    target = own / work.source.name
    shutil.copyfile(file, target)
    made = Candidate(name, Tier.QUANTIZE.value, did="given")
    try:
        if work.kind is Format.ONNX:
            _check(work, target, own, foreign=False)
    except Failed as why:
        shutil.rmtree(own, ignore_errors=True)
        return replace(made, failed=str(why))
    return made


def _check(work: _Work, target: Path, own: Path, *, foreign: bool) -> None:
    feed = own / "feed.npz"
    ask("check", work.place, model=str(target), like=str(work.source), feed=str(feed), foreign=foreign)
    feed.unlink(missing_ok=True)


def _judged(work: _Work, made: Candidate) -> Candidate:
    """With a verdict of each judge there is; the first that refuses has the word."""
    if made.failed:
        return made
    target = work.place / made.name / work.source.name
    verdicts: list[Verdict] = []
    try:
        if work.samples:
            _answers(work, made.name, target)
            found = drift.drifts(work.place / f"answers-{ORIGINAL}", work.place / f"answers-{made.name}")
            shutil.rmtree(work.place / f"answers-{made.name}", ignore_errors=True)
            made = replace(made, drift=tuple(found))
            # A metric of the user's own says more than how close the numbers are.
            if work.options.evaluate is None:
                verdicts.append(guard.judge_drift(found))
            elif turned := guard.judge_turned(found):
                verdicts.append(turned)
        if work.options.evaluate is not None and work.metric is not None:
            made = replace(made, metric=work.options.evaluate(target))
            assert made.metric is not None
            verdicts.append(guard.judge_metric(work.metric, made.metric))
        if work.options.judge is not None:
            verdicts.append(work.options.judge(target))
    except Failed as why:
        verdicts.append(Verdict(False, str(why)))
    if not verdicts:
        return replace(made, verdict=Verdict(False, NOT_JUDGED)) if made.tier == Tier.QUANTIZE else made
    return replace(made, verdict=next((one for one in verdicts if not one.passed), verdicts[-1]))


def _answers(work: _Work, name: str, model: Path) -> None:
    out = work.place / f"answers-{name}"
    out.mkdir()
    ask("run", work.place, model=str(model), samples=[str(path) for path in work.samples], out=str(out))


def _measured(work: _Work, candidates: list[Candidate]) -> list[Candidate]:
    there = [one for one in candidates if not one.failed]
    models = {one.name: _model(work, one) for one in there}
    files = {one.name: _files(work, one) for one in there}
    if work.kind is Format.ONNX:
        found: dict[str, Any] = dict(measure(models, files, work.feed, work.options.rounds, work.place))
    else:
        found = {name: Measured(*sizes(own)) for name, own in files.items()}
    weighed = []
    for one in candidates:
        what = found.get(one.name)
        if isinstance(what, str):
            one = replace(
                one, failed=what, measured=Measured(*sizes(files[one.name])) if one.name == ORIGINAL else None
            )
        weighed.append(one if what is None or isinstance(what, str) else replace(one, measured=what))
    return weighed


def _model(work: _Work, one: Candidate) -> Path:
    return work.source if one.name == ORIGINAL else work.place / one.name / work.source.name


def _files(work: _Work, one: Candidate) -> list[Path]:
    """The model's file first, then what it needs beside it."""
    from slimml.models.graph.reading import data_file_of
    from slimml.models.unsuitable import Unsuitable

    model = _model(work, one)
    files = [model]
    if work.kind is Format.ONNX:
        try:
            data = data_file_of(model)
        except (Unsuitable, ImportError):
            data = None
        if data is not None and (model.parent / data).is_file():
            files.append(model.parent / data)
    return files
