"""What a night measures: profiles from seconds to hours, and their images, built where they are not there."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import planted
from side_by_side import Effort
from small_image import SmallImages

from slimml.engine.container import Engine
from slimml.errors import NotFound
from slimml.oci.reference import Reference, Transport, parse_reference
from slimml.oci.transfer import Access, open_image

HERE = Path(__file__).resolve().parent
RECIPES = HERE.parent / "images"


@dataclass(frozen=True)
class Profile:
    """A night: its images, and how much is measured of each. Those in `of_docker` need Docker or Podman."""

    images: tuple[str, ...]
    of_docker: tuple[str, ...]
    effort: Effort


@dataclass(frozen=True)
class Subject:
    """One image: the name of its series, its reference in words, and the probes that it has to pass."""

    name: str
    reference: str
    probes: Path


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "smoke": Profile(("small",), (), Effort(rounds=1, warm_up=0, links=(), cold=False)),
        "quick": Profile(("small", "demo"), ("onnx-api",), Effort(rounds=5, warm_up=1, links=("100mbit",))),
        "full": Profile(
            ("small", "demo"),
            ("onnx-api", "sklearn-batch", "torch-api", "ocr"),
            Effort(rounds=7, warm_up=1, links=("loopback", "1gbit", "100mbit+10ms")),
        ),
    }
)


def subjects_of(
    profile: Profile, engine: Engine | None, access: Access, work: Path
) -> dict[str, Callable[[], Subject]]:
    """What makes the images of a profile ready, by name; `work` is the caller's directory for those that are built.
    What needs Docker is left out where there is none, and said.
    """
    builders = {"small": small, "demo": demo}
    found: dict[str, Callable[[], Subject]] = {name: partial(builders[name], work / name) for name in profile.images}
    if engine is not None and engine.name in ("docker", "podman"):
        found |= {name: partial(recipe, name, access) for name in profile.of_docker}
    elif profile.of_docker:
        print(f"without Docker or Podman: {', '.join(profile.of_docker)} are left out", file=sys.stderr)
    return found


def small(work: Path) -> Subject:
    """The last image of the planted series (`series.py`)."""
    repository = work / "repository"
    repository.mkdir(parents=True)
    made = planted.make_repository(repository)
    images = SmallImages(work)
    images.build("latest", planted.files_at(repository, made[-1].id))
    return Subject("small", f"oci:{images.layout}:latest", HERE / "probes.toml")


def demo(work: Path) -> Subject:
    """The image of `slimml demo`."""
    from slimml.demo.build import build_image

    work.mkdir(parents=True)
    reference = Reference(Transport.LAYOUT, path=str(work / "image"), tag="latest")
    build_image(reference, work)
    return Subject("demo", str(reference), HERE / "demo.toml")


def recipe(name: str, access: Access) -> Subject:
    """An image of benchmarks/images: the engine's, or built there."""
    reference = f"docker-daemon:slimml-bench/{name}:latest"
    try:
        open_image(parse_reference(reference), access)
    except NotFound:
        build(name, access)
    return Subject(name, reference, RECIPES / name / "probes.toml")


def build(name: str, access: Access) -> None:
    """Build a recipe with Docker; raises CalledProcessError."""
    socket = ["--engine-socket", access.engine] if access.engine else []
    subprocess.run([sys.executable, RECIPES / "build.py", name, *socket], check=True, stdout=sys.stderr)
