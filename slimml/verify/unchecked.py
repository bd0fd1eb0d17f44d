"""What nobody looked at, in words: a verdict holds for what was asked, on the machine where it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.probes.probe import BatchProbe, FileProbe, HttpProbe

if TYPE_CHECKING:
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite
    from slimml.verify.verification import Row

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""those that carry nothing to work on (RFC 9110, section 9.2.1)"""
_NAMED_PATHS = 5
_GPU_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_REQUIRE_CUDA", "CUDA_VERSION", "ROCM_VERSION", "ROCM_PATH")


def not_checked(suite: Suite, original: Image, rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Sentences, the most important one first."""
    found = [*_suite(suite), *_requests(suite), *suite.not_checked, *_answers(rows), *_machine(suite, original)]
    return tuple(sentence for sentence in found if sentence)


def _suite(suite: Suite) -> list[str]:
    if not suite.probes:
        return ["anything: there is no probe"]
    if suite.origin.startswith("guessed"):
        return ["what the image is for: the probes were guessed; write your own (slimml init IMAGE)"]
    if all(isinstance(probe, FileProbe) for probe in suite.probes):
        return ["whether any program of the image runs: only files were looked at"]
    return []


def _requests(suite: Suite) -> list[str]:
    requests = [probe for probe in suite.probes if isinstance(probe, HttpProbe)]
    if not requests:
        served = suite.ready is not None and not suite.ready.exit
        return ["what the service answers over HTTP: no request was made"] if served else []
    paths = list(dict.fromkeys(f"{probe.method} {probe.path}" for probe in requests))
    named = ", ".join(paths[:_NAMED_PATHS]) + (f" and {len(paths) - _NAMED_PATHS} more" if paths[_NAMED_PATHS:] else "")
    found = [f"requests other than {named}"]
    if all(probe.method.upper() in _SAFE_METHODS for probe in requests):
        found.append("requests that bring something to work on (POST, PUT): none was made")
    return [*found, "several requests at once, and a service that has run for long"]


def _answers(rows: tuple[Row, ...]) -> list[str]:
    varying = [row for row in rows if any(not part.endswith(": as the probe says") for part in row.ignored)]
    named = [row for row in rows if any(part.endswith(": as the probe says") for part in row.ignored)]
    return [
        f"the exact value of parts that vary by themselves (in {_probes(len(varying))}); their form was"
        if varying
        else "",
        f"parts that the probes say to ignore (in {_probes(len(named))})" if named else "",
    ]


def _machine(suite: Suite, original: Image) -> list[str]:
    found = [f"other platforms than {original.config.platform}"]
    environment = {str(pair).partition("=")[0] for pair in _environment(original)}
    if suite.resources.gpus is None and not environment.isdisjoint(_GPU_VARIABLES):
        found.insert(0, "anything on a GPU: the image is made for one and was given none")
    if not suite.network:
        found.append("what the image does over the network: it had none")
    runs = [probe for probe in suite.probes if isinstance(probe, BatchProbe)]
    silent = [probe for probe in runs if not probe.outputs]
    if silent:
        found.append(f"files that {_names(silent)} writes: none is named as its output")
    return found


def _environment(image: Image) -> list[object]:
    from slimml.oci import documents

    return list(documents.sequence(image.config.runtime, "Env", "config"))


def _names(probes: list[BatchProbe]) -> str:
    return ", ".join(probe.name for probe in probes)


def _probes(count: int) -> str:
    return f"{count} probe{'s' if count != 1 else ''}"
