"""Python: what of a distribution no program imports, which distributions are for developers, which bytecode is used."""

import pytest

from slimml.bloat.finding import Action, Risk

SITE = "usr/local/lib/python3.11/site-packages"
LIB = "usr/local/lib/python3.11"


def dropped(make, found, paths, rule, *files):
    inventory = make.inventory([dict.fromkeys(files, 500)])
    finding = found(inventory).get(rule)
    return paths(inventory, finding) if finding else []


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/pandas/tests/test_x.py",
        f"{SITE}/scipy/linalg/tests/data/x.npz",
        f"{SITE}/nltk/test/x.doctest",
        f"{SITE}/Crypto/SelfTest/st.py",
        f"{LIB}/test/test_io.py",
        f"{LIB}/unittest/test/t.py",
    ],
)
def test_tests_can_go(make, found, paths, path):
    assert dropped(make, found, paths, "python-tests", path, f"{LIB}/encodings/x.py") == [path]


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/numpy/testing/__init__.py",
        f"{SITE}/torch/testing/_internal/common.py",
        f"{SITE}/pandas/_testing/asserters.py",
        f"{SITE}/sklearn/utils/_testing.py",
        f"{SITE}/torch/_dynamo/test_case.py",
        f"{SITE}/astropy/tests/runner.py",
        f"{SITE}/tensorflow/_api/v2/test/__init__.py",
        f"{SITE}/django/test/client.py",
        f"{LIB}/unittest/case.py",
        f"{LIB}/doctest.py",
        "app/tests/test_app.py",
        "app/test/x.py",
    ],
)
def test_modules_that_programs_import_stay(make, found, paths, path):
    assert dropped(make, found, paths, "python-tests", path, f"{LIB}/encodings/x.py") == []


def test_a_tree_of_tests_goes_with_its_directory(make, found, paths):
    inventory = make.inventory([{f"{SITE}/x/tests": make.folder(), f"{SITE}/x/tests/t.py": 5, f"{SITE}/x/a.py": 5}])
    assert paths(inventory, found(inventory)["python-tests"]) == [f"{SITE}/x/tests", f"{SITE}/x/tests/t.py"]


def test_a_licence_among_tests_stays(make, found, paths):
    assert dropped(make, found, paths, "python-tests", f"{SITE}/x/tests/LICENSE", f"{SITE}/x/tests/t.py") == [
        f"{SITE}/x/tests/t.py"
    ]


@pytest.mark.parametrize("name", ["x.c", "x.pyx", "x.pxd", "x.cpp", "src/x.h"])
def test_sources_of_extensions_can_go(make, found, paths, name):
    assert dropped(make, found, paths, "python-c-sources", f"{SITE}/lib/{name}") == [f"{SITE}/lib/{name}"]


def test_kernels_that_are_read_at_import_stay(make, found):
    assert "python-c-sources" not in found(make.inventory([{f"{SITE}/lib/kernels.cu": 500, f"{SITE}/lib/k.cl": 500}]))


@pytest.mark.parametrize("package", ["cupy", "triton", "warp", "Cython"])
def test_sources_that_are_compiled_at_run_time_stay(make, found, package):
    rules = found(make.inventory([{f"{SITE}/{package}/x.h": 500, f"{SITE}/{package}/include/y.h": 500}]))
    assert not rules.keys() & {"python-c-sources", "headers"}


def test_stubs_can_go_unless_lazy_loader_reads_them(make, found, paths):
    stubs = (f"{SITE}/skimage/__init__.pyi", f"{SITE}/skimage/x.pyi")
    assert dropped(make, found, paths, "type-stubs", *stubs) == list(stubs)
    assert dropped(make, found, paths, "type-stubs", *stubs, f"{SITE}/lazy_loader/__init__.py") == [stubs[1]]


def test_of_torchs_programs_the_shared_memory_manager_stays(make, found, paths):
    files = (f"{SITE}/torch/bin/protoc", f"{SITE}/torch/bin/torch_shm_manager")
    assert dropped(make, found, paths, "torch-tools", *files) == [files[0]]


def test_headers_static_libraries_and_build_files_are_likely(make, found, paths):
    files = {
        "headers": f"{SITE}/torch/include/ATen/ATen.h",
        "static-libraries": f"{SITE}/x/lib/libx.a",
        "build-descriptions": f"{SITE}/torch/share/cmake/Torch/TorchConfig.cmake",
    }
    inventory = make.inventory([dict.fromkeys(files.values(), 500)])
    findings = found(inventory)
    for rule, path in files.items():
        assert paths(inventory, findings[rule]) == [path]
        assert findings[rule].risk is Risk.LIKELY


def test_pyconfig_stays_among_the_headers(make, found, paths):
    files = ("usr/include/python3.11/pyconfig.h", "usr/include/python3.11/Python.h")
    assert dropped(make, found, paths, "headers", *files) == [files[1]]


def packages(make, found, rule, *owners, **image):
    files = {f"{SITE}/p{n}/x.py": 10 for n in range(len(owners))}
    inventory = make.inventory([files], {o: [f"{SITE}/p{n}"] for n, o in enumerate(owners)}, **image)
    finding = found(inventory).get(rule)
    return {inventory.owners[owner].name for owner in finding.owners} if finding else set()


def test_development_distributions_go_with_what_only_they_require(make, found):
    owners = [
        make.dist("pytest", requires=("pluggy", "iniconfig", "packaging"), automatic=False),
        make.dist("pluggy", automatic=True),
        make.dist("iniconfig", automatic=True),
        make.dist("packaging", automatic=True),
        make.dist("jupyterlab"),
        make.dist("types-requests"),
        make.dist("numpy"),
    ]
    expected = {"pytest", "pluggy", "iniconfig", "jupyterlab", "types-requests"}
    assert packages(make, found, "development-distributions", *owners) == expected


def test_a_development_distribution_that_a_program_requires_stays(make, found):
    owners = [
        make.dist("app", requires=("ipython",)),
        make.dist("ipython", requires=("traitlets",)),
        make.dist("traitlets"),
    ]
    assert packages(make, found, "development-distributions", *owners) == set()


def test_what_somebody_asked_for_by_name_stays(make, found):
    assert packages(make, found, "development-distributions", make.dist("traitlets", automatic=False)) == set()


def test_the_distribution_that_the_command_starts_stays(make, found):
    owners = [make.dist("jupyterlab", requires=("jupyter-server",)), make.dist("jupyter-server"), make.dist("mypy")]
    image = {"runtime": {"Cmd": ["jupyter", "lab"]}}
    assert packages(make, found, "development-distributions", *owners, **image) == {"mypy"}


def test_installers_go_together(make, found):
    owners = [make.dist("pip"), make.dist("setuptools"), make.dist("wheel"), make.dist("numpy")]
    assert packages(make, found, "installers", *owners) == {"pip", "setuptools", "wheel"}


@pytest.mark.parametrize("needing", [{"name": "webrtcvad"}, {"name": "app", "requires": ("setuptools",)}])
def test_setuptools_stays_where_a_distribution_imports_it(make, found, needing):
    assert packages(make, found, "installers", make.dist("setuptools"), make.dist("pip"), make.dist(**needing)) == {
        "pip"
    }


def test_a_package_finding_lists_the_metadata_too(make, found, paths):
    inventory = make.inventory(
        [{f"{SITE}/mypy": make.folder(), f"{SITE}/mypy/a.py": 5, f"{SITE}/mypy-1.dist-info/METADATA": 5}],
        {make.dist("mypy"): [f"{SITE}/mypy", f"{SITE}/mypy-1.dist-info"]},
    )
    finding = found(inventory)["development-distributions"]
    assert finding.action is Action.PACKAGE
    assert paths(inventory, finding) == [f"{SITE}/mypy", f"{SITE}/mypy-1.dist-info/METADATA", f"{SITE}/mypy/a.py"]


def test_wheels_left_after_installing_are_found(make, found, paths):
    files = ("wheels/x-1-py3-none-any.whl", f"{LIB}/ensurepip/_bundled/pip-24-py3-none-any.whl")
    assert dropped(make, found, paths, "bundled-wheels", *files) == sorted(files, key=lambda path: path)[::1]


CACHE = f"{SITE}/x/__pycache__"


def compiled(make, found, *names, sources=("a.py",), **image):
    files = {f"{CACHE}/{name}": 50 for name in names} | {f"{SITE}/x/{name}": 50 for name in sources}
    return found(make.inventory([files | {f"{LIB}/encodings/utf_8.py": 5}], **image))


def test_valid_bytecode_is_never_proposed(make, found):
    assert not compiled(make, found, "a.cpython-311.pyc").keys() & {"stale-bytecode", "optimised-bytecode"}


@pytest.mark.parametrize(
    "name", ["gone.cpython-311.pyc", "a.cpython-39.pyc", "a.cpython-311-pytest-8.1.0.pyc", "a.cpython-311.pyc.140123"]
)
def test_bytecode_that_nothing_reads_is_safe_to_drop(make, found, name):
    finding = compiled(make, found, name)["stale-bytecode"]
    assert (finding.risk, finding.rows.tolist()) == (Risk.SAFE, [0])


def test_a_module_without_source_is_a_program(make, found):
    inventory = make.inventory([{f"{SITE}/x/secret.pyc": 50, f"{LIB}/encodings/utf_8.py": 5}])
    assert "stale-bytecode" not in found(inventory)


def test_bytecode_of_any_version_stays_where_no_interpreter_is_seen(make, found):
    assert "stale-bytecode" not in found(make.inventory([{"app/__pycache__/a.cpython-39.pyc": 50, "app/a.py": 50}]))


def test_optimised_bytecode_is_likely_unless_python_runs_optimised(make, found):
    assert compiled(make, found, "a.cpython-311.opt-2.pyc")["optimised-bytecode"].risk is Risk.LIKELY
    image = {"runtime": {"Env": ["PYTHONOPTIMIZE=2"]}}
    assert "optimised-bytecode" not in compiled(make, found, "a.cpython-311.opt-2.pyc", **image)


def test_missing_bytecode_is_told_and_weighs_nothing(make, found):
    finding = compiled(make, found, sources=[f"m{n}.py" for n in range(300)])["bytecode-missing"]
    assert (finding.action, finding.disk_bytes, finding.title[:11]) == (Action.TELL, 0, "300 modules")


def test_runners_stay_where_a_script_may_call_them(make, found):
    owners = [make.dist("poetry"), make.dist("mypy")]
    image = {"runtime": {"Entrypoint": ["/app/entrypoint.sh"]}}
    assert packages(make, found, "development-distributions", *owners, **image) == {"mypy"}
