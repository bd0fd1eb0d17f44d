"""Results as nightly runs would leave them, made up."""

from slimml.history.result import Estimate, Result


def make_result(night, metrics=None, **changed):
    """The result of a night of November 2026 (or later: nights are counted on), with one size unless told otherwise."""
    month, day = divmod(night - 1, 28)
    year, month = divmod(10 + month, 12)
    given = {
        "id": f"{night:016x}",
        "began": f"{2026 + year}-{month + 1:02d}-{day + 1:02d}T03:00:00Z",
        "image": "app",
        "digest": f"sha256:{night:064x}",
        "commit": f"{night:040x}",
        "host": "amd-epyc-2c-32g",
        "engine": "docker 20.10 overlay2",
        "suite": "1",
        "source": "bench",
        "slimml": "0.1.0",
        "facts": {"kernel": "6.1.0"},
        "metrics": metrics or {"size/disk_bytes": 1_000_000},
    }
    return Result(**(given | changed))


def timed(seconds, share=0.02, rounds=5):
    """A median of rounds with an interval around it."""
    return Estimate(seconds, seconds * (1 - share), seconds * (1 + share), rounds)
