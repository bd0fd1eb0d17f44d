"""Commands that install: who installs, what is named on the line, which lists of packages are read."""

import pytest

from slimml.dockerfile.build import open_build
from slimml.dockerfile.installs import apt_verb, pip_installs, read_install


def script_of(run):
    build = open_build(f"FROM base\nRUN {run}\n".encode())
    (run,) = build.final.runs()
    return build.script(run)


def installs(run):
    found = (read_install(command) for command in script_of(run).commands)
    return [(one.manager.value, [word.text for word in one.named], [word.text for word in one.files])
            for one in found if one is not None]  # fmt: skip


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ("apt-get install -y --no-install-recommends -t stable gcc=12 g++:amd64", ("apt", ["gcc=12", "g++:amd64"], [])),
        ("sudo -E apt install git", ("apt", ["git"], [])),
        ("apk add --no-cache --virtual .deps gcc", ("apk", ["gcc"], [])),
        ("yum -y install libgomp", ("dnf", ["libgomp"], [])),
        ("pip3 install 'torch==2.1' 'numpy[x]>=1' a~=1", ("pip", ["torch==2.1", "numpy[x]>=1", "a~=1"], [])),
        ("python3.11 -m pip install -r a.txt --requirement=b.txt -c c.txt",
         ("pip", [], ["a.txt", "--requirement=b.txt"])),
        ("pip install -e . ./w/*.whl git+https://x/y", ("pip", ["./w/*.whl", "git+https://x/y"], [])),
        ("uv pip install --system -r r.txt", ("pip", [], ["r.txt"])),
        ("uv sync --frozen --no-dev", ("uv", [], [])),
        ("conda env create -f env.yml -n ml", ("conda", [], ["env.yml"])),
        ("mamba install -y -c conda-forge dask=2023", ("conda", ["dask=2023"], [])),
        ("conda run -n ml pip install x", ("pip", ["x"], [])),
        ("npm ci", ("npm", [], [])),
        ("npm install -g @scope/tool@1.2 yarn", ("npm", ["@scope/tool@1.2", "yarn"], [])),
        ("env A=b $HOME/bin/pip install $UNKNOWN", ("pip", ["$UNKNOWN"], [])),
        ("poetry install --only main", ("poetry", [], [])),
    ],
)  # fmt: skip
def test_what_is_installed_is_known(run, found):
    assert installs(run) == [found]


@pytest.mark.parametrize(
    "run",
    ["apt-get update", "pip list", "conda clean -a", "npm run build", "python setup.py install", "python -m venv pip"],
)
def test_what_installs_nothing_is_no_install(run):
    assert installs(run) == []


@pytest.mark.parametrize(
    ("run", "tools"),
    [
        ("pip3.11 install x", ["pip"]),
        ("python -I -m pip download x", ["pip"]),
        ("uv pip install x", ["uv"]),
        ("uv tool install x", []),
        ("pipx install x", []),
        ("uv add x", []),
    ],
)
def test_only_pip_and_its_likes_take_the_options_of_pip(run, tools):
    assert [one.tool for one in pip_installs(script_of(run))] == tools


def test_distributions_are_named_as_names_are_compared():
    (install,) = pip_installs(script_of("pip install Scikit_Learn==1.5 . ./x.whl"))
    assert [*install.distributions] == ["scikit-learn"]


def test_values_of_options_are_no_packages():
    (install,) = pip_installs(script_of("pip install -i https://x --index-url=https://y -U a"))
    assert install.options == {"-i": ["https://x"], "--index-url": ["https://y"], "-U": [""]}


@pytest.mark.parametrize(("run", "verb"), [("apt-get -o A=b update", "update"), ("apt", ""), ("yum update", "")])
def test_the_verb_of_apt_stands_behind_its_options(run, verb):
    assert apt_verb(script_of(run).commands[0]) == verb
