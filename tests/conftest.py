"""For all tests: nothing of this user's settings or caches is read or written, and CI skips nothing in silence."""

import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

# A loaded machine is no reason to fail; CI tries the same examples each time, so that a failure there is one here.
hypothesis.settings.register_profile("slimml", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("slimml"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "slimml")

# What a shell starts in the background ignores Ctrl-C, and so would every program that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """A home of the tests' own, and no settings from the environment."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SLIMML_")]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("DOCKER_CONFIG", str(home / "docker"))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("SLIMML_OPTIMIZE_VERIFY", "false")  # tests of verifying say --verify
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # dive comes from there
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a test that lacks its engine or tool fails: a check that was not made is no check passed."""
    report = yield
    if (
        os.environ.get("CI")
        and report.skipped
        and not hasattr(report, "wasxfail")
        and {"integration", "demo"} & set(item.path.parts)
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {call.excinfo.value if call.excinfo else 'by a mark'}"
    return report
