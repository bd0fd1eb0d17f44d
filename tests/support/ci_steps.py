"""Runs the `run:` steps of GitHub workflows and composite actions as scripts, as a runner does."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
"""docs.github.com, "Workflow syntax", jobs.<job_id>.steps[*].shell"""


@dataclass
class Runner:
    """A runner's machine: `checkout` the directory of the repository, `temporary` RUNNER_TEMP, `told` what expressions
    and conditions mean, `environment` further variables. `summary` is the job's page.
    """

    checkout: Path
    temporary: Path
    told: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        return (self.temporary / "summary").read_text() if (self.temporary / "summary").exists() else ""

    def run(self, steps, only=None):
        """Run those of `steps` that are scripts, in order, to the first that fails; its code, else 0."""
        for step in steps:
            if "run" not in step or (only is not None and step.get("name") not in only):
                continue
            if "if" in step and not self.told[step["if"]]:
                continue
            code = self._script(step)
            if code:
                return code
        return 0

    def _script(self, step):
        output = self.temporary / "output"
        output.write_text("")
        script = self.temporary / "script.sh"
        script.write_text(step["run"])
        environment = {
            **os.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "GITHUB_WORKSPACE": str(self.checkout),
            "RUNNER_TEMP": str(self.temporary),
            **self.environment,
            **{name: self.meant(value) for name, value in step.get("env", {}).items()},
        }
        ended = subprocess.run(
            [*_SHELLS[step.get("shell")], str(script)], cwd=self.checkout, env=environment, check=False
        )
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.told[f"steps.{step.get('id')}.outputs.{name}"] = value
        return ended.returncode

    def meant(self, text):
        """The text with its expressions replaced; a KeyError names one that nobody told."""
        return _EXPRESSION.sub(lambda match: self.told[match[1]], text)


def read(path):
    """A workflow or an action. `on` is what YAML 1.1 takes for true."""
    document = yaml.safe_load(path.read_text("utf-8"))
    return {("on" if key is True else key): value for key, value in document.items()}


def steps_of(document):
    """All steps of a workflow or an action."""
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job["steps"]]
