"""From the documents that `slimml bench`, `analyze` and `optimize` print with --json to results that can be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slimml.bench.size import ESTIMATED
from slimml.errors import InvalidImage, Unsupported, UsageError
from slimml.history.host_class import host_class
from slimml.history.metrics import has_goal
from slimml.history.result import NO_ENGINE, Estimate, Result, Value

BENCH, ANALYSIS, OPTIMIZE = "slimml.bench/1", "slimml.analysis/1", "slimml.optimize/1"


@dataclass(frozen=True)
class Keys:
    """What documents do not say. `names` are the images' names in the order of the document, () for those in it.

    `host` is the class of machines: None takes that of the document, which only one of bench tells; `here` stands in
    for the others. `began` is when, for documents that do not say (RFC 3339, UTC). `commit` is "" where it is unknown.
    """

    commit: str
    suite: str
    began: str
    here: str
    host: str | None = None
    names: tuple[str, ...] = ()


def results_of(document: Mapping[str, Any], keys: Keys) -> list[Result]:
    """A result for each image that the document tells of.

    Raises Unsupported for a document of another kind, InvalidImage for one that contradicts its schema, UsageError for
    names that do not fit and for an optimize that wrote nothing.
    """
    kind = document.get("schema")
    try:
        match kind:
            case "slimml.bench/1":
                found = list(_bench(document, keys))
            case "slimml.analysis/1":
                found = [_analysis(document, keys)]
            case "slimml.optimize/1":
                found = [_optimize(document, keys)]
            case _:
                raise Unsupported(f"{kind!r} is no document that can be kept; they are {BENCH}, {ANALYSIS}, {OPTIMIZE}")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise InvalidImage(f"the document is no {kind}: {type(error).__name__} {error}") from None
    if keys.names and len(keys.names) != len(found):
        raise UsageError(f"{len(keys.names)} names for the {len(found)} images of the document")
    return found


def _bench(document: Mapping[str, Any], keys: Keys) -> Iterator[Result]:
    run, engine, summary = document["run"], document["engine"], document["summary"]
    host = run["host"]
    facts = {"kernel": host["kernel"], "system": host["system"], "governor": host["governor"]}
    if engine is not None:
        facts |= {"engine": f"{engine['name']} {engine['version']}", "runtime": engine["runtime"]}
    for position, image in enumerate(document["images"]):
        metrics: dict[str, Value] = {}
        for setting in summary["settings"]:
            for figures in setting["images"]:
                if figures["image"]["position"] == image["position"]:
                    metrics |= _figures(setting, figures, estimated=ESTIMATED in summary["remarks"])
        yield Result(
            id=_identity(run["id"], str(position), image["digest"] or image["reference"]),
            began=str(run["began"]),
            image=_name(keys, position, image["reference"]),
            digest=image["digest"],
            commit=keys.commit,
            host=keys.host or host_class(host),
            engine=_engine(engine),
            suite=keys.suite,
            source="bench",
            slimml=str(run["slimml"]),
            metrics=metrics,
            facts={name: str(value) for name, value in facts.items() if value},
            noise=tuple(map(str, summary["noise"])),
        )


def _figures(setting: Mapping[str, Any], figures: Mapping[str, Any], *, estimated: bool) -> dict[str, Value]:
    where = "/".join(
        filter(None, (setting["measure"], setting["link"], setting["page_cache"] if _cold(setting) else ""))
    )
    found: dict[str, Value] = {}
    if figures["seconds"] is not None:
        found["seconds"] = _estimate(figures["seconds"])
    if len(figures["phases"]) > 1:
        found |= {_word(name): _estimate(phase) for name, phase in figures["phases"].items()}
    found |= {_word(name): _number(value) for name, value in figures["counters"].items() if has_goal(name)}
    if estimated and setting["measure"] == "size" and "compressed_bytes" in found:
        found["compressed_estimate"] = found.pop("compressed_bytes")
    return {f"{where}/{name}": value for name, value in found.items()}


def _cold(setting: Mapping[str, Any]) -> bool:
    """A pull is always cold; a start with a warm page cache is another figure than one without."""
    return bool(setting["measure"] != "pull" and setting["page_cache"])


def _analysis(document: Mapping[str, Any], keys: Keys) -> Result:
    image = document["image"]
    compressed = "compressed_estimate" if image["compressed_estimated"] else "compressed_bytes"
    metrics: dict[str, Value] = {
        "size/disk_bytes": _number(image["disk_bytes"]),
        f"size/{compressed}": _number(image["compressed_bytes"]),
        "size/layers": _number(image["layers"]),
        "content/live_bytes": _number(image["live_bytes"]),
        "content/live_entries": _number(image["live_files"]),
        "waste/efficiency": float(document["efficiency"]["score"]),
        "waste/shadowed_or_repeated_bytes": _number(document["efficiency"]["wasted_bytes"]),
    }
    metrics |= {f"waste/{one['risk']}_bytes": _number(one["total"]["disk_bytes"]) for one in document["reclaimable"]}
    return _without_host(document, keys, "analysis", image["reference"], image["digest"], metrics)


def _optimize(document: Mapping[str, Any], keys: Keys) -> Result:
    if "optimized" not in document:
        raise UsageError("this optimize was a dry run and wrote no image; there is nothing to keep")
    done = document["optimized"]
    before, after = done["before"], done["after"]
    metrics: dict[str, Value] = {
        "size/disk_bytes": _number(after["disk_bytes"]),
        "size/layers": _number(after["layers"]),
        "content/entries": _number(after["files"]),
        "optimize/saved_disk_bytes": before["disk_bytes"] - after["disk_bytes"],
        "optimize/verified": int(bool(done["verified"])),
    }
    if not done["plain"]:
        metrics["size/compressed_bytes"] = _number(after["compressed_bytes"])
        metrics["optimize/saved_compressed_bytes"] = before["compressed_bytes"] - after["compressed_bytes"]
    result = done["result"]
    return _without_host(document, keys, "optimize", result["reference"], result["digest"], metrics)


def _without_host(
    document: Mapping[str, Any], keys: Keys, source: str, reference: str, digest: str, metrics: dict[str, Value]
) -> Result:
    from slimml import __version__

    whole = json.dumps(document, sort_keys=True)
    return Result(
        id=_identity(whole, keys.commit, keys.began),
        began=keys.began,
        image=_name(keys, 0, reference),
        digest=digest,
        commit=keys.commit,
        host=keys.host or keys.here,
        engine=NO_ENGINE,
        suite=keys.suite,
        source=source,
        slimml=__version__,
        metrics=metrics,
    )


def _name(keys: Keys, position: int, reference: str) -> str:
    """The name that the user gave, else the reference without a digest, which every build changes."""
    if keys.names:
        return keys.names[position] if position < len(keys.names) else ""
    return str(reference).partition("@sha256:")[0]


def _engine(engine: Mapping[str, Any] | None) -> str:
    """Name, version to the second number, and storage: patches go on with the series, and stand in `facts`."""
    if engine is None:
        return NO_ENGINE
    version = ".".join(str(engine["version"]).split(".")[:2])
    words = (engine["name"], version, engine["storage_driver"], "rootless" if engine["rootless"] else "")
    return " ".join(filter(None, map(str, words)))


def _estimate(found: Mapping[str, Any]) -> Value:
    return Estimate(float(found["value"]), float(found["low"]), float(found["high"]), int(found["rounds"]))


def _number(value: Any) -> int | float:
    """A number as a number; counts whose median is whole are whole."""
    number = float(value)
    return int(number) if number.is_integer() else number


def _word(name: str) -> str:
    return name.replace("/", "-").replace(" ", "-")


def _identity(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
