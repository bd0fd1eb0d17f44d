"""The scripts of action.yml, run as a runner does: it installs slimml, checks an image, comments, passes or fails."""

import os
from pathlib import Path

import pytest
from ci_steps import Runner, read
from recorded_gh import RecordedGh
from tiny_image import tiny

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

ROOT = Path(__file__).parents[3]
STEPS = read(ROOT / "action.yml")["runs"]["steps"]
CHECK, COMMENT, END = "Check the image", "Comment on the pull request", "Pass or fail"
ASKED = "inputs.comment == 'true' && github.event.pull_request.number"
NASTY = 'a";touch pwned;$(touch pwned)`touch pwned`'


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """RUNNER_TEMP with slimml in it, as the action's own step installs it."""
    place = tmp_path_factory.mktemp("installed")
    runner = Runner(place, place, {}, {"GITHUB_ACTION_PATH": str(ROOT)})
    assert runner.run(STEPS, ["Install slimml"]) == 0
    return place / "slimml"


@pytest.fixture
def gh(tmp_path):
    return RecordedGh(tmp_path / "gh")


@pytest.fixture
def images(tmp_path):
    """References of a base and of an image that grew."""
    found = []
    for name, content in (("base", b"x" * 1000), ("grown", b"x" * 1_000_000)):
        reference = parse_reference(f"oci:{tmp_path / name}:latest")
        write_image(tiny({"data": content, "small": b"y"}), reference)
        found.append(str(reference))
    return found


@pytest.fixture
def runner(tmp_path, installed, gh):
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    (temporary / "slimml").symlink_to(installed)
    told = {f"inputs.{name}": "" for name in ("image", "against", "budgets", "budget", "strict", "page", "token")}
    told |= {ASKED: True, "github.event.pull_request.number": "7"}
    return Runner(
        work,
        temporary,
        told,
        {
            "PATH": f"{gh.directory}:{os.environ['PATH']}",
            "GITHUB_REPOSITORY": "owner/name",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
    )


def test_an_image_within_its_budgets_passes(runner, images):
    runner.told |= {"inputs.image": images[1], "inputs.budget": "size=10 MB\nlayers=3"}

    assert runner.run(STEPS, [CHECK, END]) == 0
    assert "✅" in runner.summary


def test_an_image_that_grew_beyond_its_base_fails_with_the_code_of_check(runner, images):
    runner.told |= {"inputs.image": images[1], "inputs.against": images[0], "inputs.budget": "size=+5%"}

    assert runner.run(STEPS, [CHECK, END]) == 12
    assert "❌" in runner.summary


def test_an_image_that_is_not_there_is_told_in_the_summary(runner):
    runner.told |= {"inputs.image": "oci:nowhere:latest", "inputs.budget": "size=1 MB"}

    assert runner.run(STEPS, [CHECK, END]) == 3
    assert "nowhere" in runner.summary


def test_names_that_look_like_scripts_are_only_names(runner):
    runner.told |= {
        "inputs.image": f"oci:{NASTY}:latest",
        "inputs.against": NASTY,
        "inputs.budgets": NASTY,
        "inputs.budget": f"size=1 MB\n{NASTY}",
    }

    runner.run(STEPS, [CHECK, COMMENT, END])

    assert not list(runner.checkout.rglob("pwned"))
    assert not list(runner.temporary.glob("pwned"))


def test_the_reports_lie_where_the_output_says(runner, images):
    runner.told |= {"inputs.image": images[1], "inputs.budget": "size=10 MB", "inputs.page": "true"}

    runner.run(STEPS, [CHECK])

    found = {path.name for path in Path(runner.told["steps.check.outputs.directory"]).iterdir()}
    assert found >= {"summary.md", "junit.xml", "check.sarif", "page.html"}


def test_the_first_push_makes_a_comment(runner, images, gh):
    runner.told |= {"inputs.image": images[1], "inputs.budget": "size=10 MB"}

    assert runner.run(STEPS, [CHECK, COMMENT]) == 0

    made = gh.asked[-1]
    assert made["words"][:4] == ["api", "--silent", "--method", "POST"]
    assert made["words"][4] == "repos/owner/name/issues/7/comments"
    assert "✅" in made["body"]


def test_a_later_push_changes_that_comment(runner, images, gh):
    runner.told |= {"inputs.image": images[1], "inputs.budget": "size=10 MB"}
    gh.answer({"api --paginate": "41\n42"})

    assert runner.run(STEPS, [CHECK, COMMENT]) == 0

    assert gh.asked[-1]["words"][3:5] == ["PATCH", "repos/owner/name/issues/comments/41"]


def test_a_comment_that_may_not_be_written_fails_nothing(runner, images, gh):
    runner.told |= {"inputs.image": images[1], "inputs.budget": "size=10 MB"}
    gh.answer({"api": ""}, code=1)

    assert runner.run(STEPS, [CHECK, COMMENT, END]) == 0
