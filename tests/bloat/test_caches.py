"""Caches of package managers and tools, temporary files, logs: where they are, and what beside them stays."""

import pytest

from slimml.bloat.finding import Action, Risk


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("apt-lists", "var/lib/apt/lists/deb.example_dists_bookworm_InRelease"),
        ("apt-archives", "var/cache/apt/archives/gcc_12_amd64.deb"),
        ("apt-archives", "var/cache/apt/pkgcache.bin"),
        ("rpm-caches", "var/cache/dnf/x/repodata/primary.xml.gz"),
        ("apk-cache", "var/cache/apk/APKINDEX.tar.gz"),
        ("package-database-backups", "var/lib/dpkg/status-old"),
        ("package-database-backups", "var/cache/debconf/templates.dat-old"),
        ("package-database-backups", "var/cache/ldconfig/aux-cache"),
        ("pip-cache", "root/.cache/pip/http-v2/a/b"),
        ("pip-cache", "home/app/.cache/pip/wheels/x.whl"),
        ("uv-cache", "root/.cache/uv/archive-v0/x/y.py"),
        ("poetry-cache", "root/.cache/pypoetry/cache/x"),
        ("npm-cache", "root/.npm/_cacache/content-v2/x"),
        ("conda-packages", "opt/conda/pkgs/numpy-2.conda"),
        ("compiler-caches", "root/.cache/ccache/a/b"),
        ("hub-partial-downloads", "root/.cache/huggingface/hub/models--a--b/blobs/abc.incomplete"),
        ("tool-temporaries", "tmp/pip-build-env-x/y.txt"),
        ("system-logs", "var/log/dpkg.log"),
        ("system-logs", "var/log/apt/term.log"),
        ("working-directory-caches", "app/.pytest_cache/v/x"),
        ("working-directory-caches", "app/web/node_modules/.cache/babel/x.json"),
    ],
)
def test_caches_are_safe_to_drop(make, found, paths, rule, path):
    inventory = make.inventory([{path: 5000, "opt/conda/conda-meta/history": 10}])
    finding = found(inventory)[rule]
    assert (finding.risk, finding.action) == (Risk.SAFE, Action.DROP)
    assert path in paths(inventory, finding)


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/apt/lists/lock",
        "var/lib/apt/extended_states",
        "var/lib/dpkg/status",
        "var/cache/fontconfig/x.cache-9",
        "root/.cache/huggingface/hub/models--a--b/blobs/abc",
        "root/.cache/torch/hub/checkpoints/resnet.bin",
        "root/.cache/matplotlib/fontlist.json",
        "app/pip/main.py",
        "app/pkgs/data.txt",
        "var/log/btmp-size-zero",
        "app/.yarn/cache/left-pad.zip",
    ],
)
def test_what_programs_read_is_no_cache(make, found, path):
    size = 0 if path.endswith("zero") else 5000
    assert found(make.inventory([{path: size}])).keys() <= {"runs-as-root"}


def test_the_root_of_a_cache_stays_and_its_directories_go(make, found, paths):
    cache = "root/.cache/pip"
    inventory = make.inventory([{cache: make.folder(), f"{cache}/http": make.folder(), f"{cache}/http/a": 5}])
    assert paths(inventory, found(inventory)["pip-cache"]) == [f"{cache}/http", f"{cache}/http/a"]


def test_a_cache_moved_by_a_variable_is_found(make, found):
    inventory = make.inventory(
        [{"opt/wheels/http/x": 5, "var/cc/uv/y": 6}],
        runtime={"Env": ["PIP_CACHE_DIR=/opt/wheels", "XDG_CACHE_HOME=/var/cc"]},
    )
    assert {"pip-cache", "uv-cache"} <= found(inventory).keys()


def test_a_cache_variable_that_names_the_root_claims_nothing(make, found):
    assert "pip-cache" not in found(make.inventory([{"etc/x": 5}], runtime={"Env": ["PIP_CACHE_DIR=/"]}))


def test_conda_packages_that_an_environment_links_to_stay(make, found, paths):
    inventory = make.inventory(
        [
            {
                "opt/conda/conda-meta/a.json": 5,
                "opt/conda/pkgs/a/lib/a.so": 5000,
                "opt/conda/pkgs/a.conda": 900,
                "opt/conda/lib/a.so": make.hardlink("opt/conda/pkgs/a/lib/a.so"),
            }
        ]
    )
    assert paths(inventory, found(inventory)["conda-packages"]) == ["opt/conda/pkgs/a.conda"]


def test_other_temporary_files_are_likely(make, found):
    assert found(make.inventory([{"tmp/model.tar": 5000}]))["temporary-files"].risk is Risk.LIKELY


def test_temporary_files_are_asked_about_when_the_image_starts_there(make, found):
    inventory = make.inventory([{"tmp/app.py": 5000}], runtime={"Cmd": ["python", "/tmp/app.py"]})
    assert found(inventory)["temporary-files"].risk is Risk.ASK


def test_an_applications_log_is_likely_and_a_distributions_stays(make, found, paths):
    inventory = make.inventory([{"app/train.log": 50, "usr/lib/python3.11/site-packages/x/y.log": 50}])
    assert paths(inventory, found(inventory)["logs"]) == ["app/train.log"]


HUB = "root/.cache/huggingface/hub/models--a--b"


def test_a_blob_nothing_links_to_and_a_snapshot_repeats_can_go(make, found, paths):
    weights = make.file(90_000, "weights")
    inventory = make.inventory([{f"{HUB}/blobs/abc": weights}, {f"{HUB}/snapshots/r/m.safetensors": weights}])
    finding = found(inventory)["hub-blobs-unused"]
    assert paths(inventory, finding) == [f"{HUB}/blobs/abc"]
    assert finding.risk is Risk.LIKELY


def test_a_blob_that_a_snapshot_links_to_is_only_told_when_copied(make, found):
    weights = make.file(90_000, "weights")
    inventory = make.inventory(
        [
            {f"{HUB}/blobs/abc": weights, f"{HUB}/snapshots/r/m.bin": make.symlink("../../blobs/abc")},
            {"app/model/m.bin": weights},
        ]
    )
    findings = found(inventory)
    assert "hub-blobs-unused" not in findings
    assert findings["hub-blobs-copied"].action is Action.TELL


def test_git_goes_with_its_directory(make, found, paths):
    inventory = make.inventory([{"app/.git": make.folder(), "app/.git/HEAD": 20, "app/main.py": 20}])
    finding = found(inventory)["version-control"]
    assert paths(inventory, finding) == ["app/.git", "app/.git/HEAD"]
    assert finding.risk is Risk.LIKELY


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "main.py.orig", ".main.py.swp", "main.py~", "._main.py"])
def test_files_of_editors_are_found_among_the_applications(make, found, name):
    assert "editor-files" in found(make.inventory([{f"app/{name}": 20}]))


def test_a_core_dump_is_told_by_what_it_is(make, found, paths):
    inventory = make.inventory([{"app/core.12": make.file(10, form="elf-core"), "app/core": 20, "app/core.py": 30}])
    assert paths(inventory, found(inventory)["core-dumps"]) == ["app/core.12"]


@pytest.mark.parametrize(
    "path",
    [
        "root/.cache/pypoetry/virtualenvs/app-py3.11/bin/python",
        "root/.cache/uv/environments-v2/tool/bin/x",
        "root/.npm/_npx/1/node_modules/x/index.js",
        "root/.cache/node/corepack/yarn/yarn.js",
        "root/.cache/bazel/_bazel_root/1/execroot/server",
    ],
)
def test_programs_that_tools_keep_in_their_caches_stay(make, found, path):
    assert found(make.inventory([{path: 5000}])).keys() <= {"runs-as-root"}


def test_uvs_cache_is_only_likely_where_the_container_starts_uv(make, found):
    inventory = make.inventory([{"root/.cache/uv/wheels/x": 5}], runtime={"Cmd": ["uv", "run", "app.py"]})
    assert found(inventory)["uv-cache"].risk is Risk.LIKELY
