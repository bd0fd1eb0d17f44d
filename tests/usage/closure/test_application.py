"""The application names modules and programs: in its sources, its command, its scripts, the environment."""

import pytest

from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation

SOURCES = {
    "an import in a function": b"def f():\n    import lazy.part",
    "a conditional import": b"if True:\n    from lazy import x",
    "an import that may fail": b"try:\n    import lazy\nexcept ImportError:\n    lazy = None",
    "importlib with a literal": b"import importlib\nimportlib.import_module('lazy.part')",
    "__import__ with a literal": b"__import__('lazy')",
    "a path to a class": b"BACKEND = 'lazy.part.Backend'",
    "a server's word for an application": b"import uvicorn\nuvicorn.run('lazy:app')",
    "a list of applications": b"INSTALLED_APPS = ['lazy']",
}


def lazy(make):
    return make.python("lazy", {"lazy/__init__.py": b"", "lazy/part.py": b""})


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_distribution_that_a_source_names_is_kept(closed, make, source):
    assert closed([*lazy(make), make.file("app/app.py", source)], "app/app.py").dropped == set()


def test_at_the_strict_depth_it_is_not(closed, make):
    items = [*lazy(make), make.file("app/app.py", b"import lazy")]
    assert closed(items, "app/app.py", depth=Depth.STRICT).dropped == {"python:lazy"}


def test_a_module_of_the_application_is_not_looked_for_among_the_distributions(closed, make):
    items = [*lazy(make), make.file("app/app.py", b"import lazy"), make.file("app/lazy.py", b"")]
    assert closed(items, "app/app.py").dropped == {"python:lazy"}


def test_tests_of_the_application_name_nothing(closed, make):
    items = [*lazy(make), make.file("app/app.py"), make.file("app/tests/test_app.py", b"import lazy")]
    assert closed(items, "app/app.py").dropped == {"python:lazy"}


def test_the_modules_of_a_namespace_belong_to_several_distributions(closed, make):
    items = [
        *make.python("google-a", {"google/a/__init__.py": b""}),
        *make.python("google-b", {"google/b/__init__.py": b""}),
        make.file("app/app.py", b"from google.a import x"),
    ]
    assert closed(items, "app/app.py").dropped == {"python:google-b"}


@pytest.mark.parametrize(
    "runtime",
    [
        {"Cmd": ["python3", "-m", "lazy"]},
        {"Entrypoint": ["gunicorn", "lazy.part:app"]},
        {"Cmd": ["sh", "-c", "exec python3 -m lazy --fast"]},
        {"Cmd": ["sh", "-c", "python3 -m lazy.part && exec serve"]},
        {"Cmd": ["serve"], "Env": ["DJANGO_SETTINGS_MODULE=lazy.part"]},
    ],
)
def test_the_command_and_the_environment_name_modules(closed, make, runtime):
    assert closed([*lazy(make), make.file("app/a")], "app/a", runtime=runtime).dropped == set()


def test_a_source_that_cannot_be_read_is_noted(closed, make):
    found = closed([make.file("app/app.py", b"print 'two'")], "app/app.py")
    assert found.closure.notes == ("/app/app.py could not be read as Python; what it imports is not known",)


def tool(make, name="tool"):
    return make.debian(**{name: ("", [make.file(f"usr/bin/{name}", make.elf(), mode=0o755)])})


@pytest.mark.parametrize(
    "source",
    [b"import subprocess\nsubprocess.run(['tool', '-v'])", b"import os\nos.system('cd /x && tool | sort')"],
)
def test_a_program_that_a_source_starts_is_kept(closed, make, source):
    assert closed([*tool(make), make.file("app/app.py", source)], "app/app.py").dropped == set()


@pytest.mark.parametrize(
    "runtime",
    [
        {"Healthcheck": {"Test": ["CMD-SHELL", "tool -f http://localhost || exit 1"]}, "Cmd": ["x"]},
        {"Entrypoint": ["/app/start.sh"]},
    ],
)
def test_programs_of_the_health_check_and_of_the_entrypoints_script_are_kept(closed, make, runtime):
    items = [*tool(make), make.file("app/start.sh", b"#!/bin/sh\nset -e\nFOO=1 tool --serve\n", mode=0o755)]
    assert closed(items, "app/start.sh", runtime=runtime).dropped == set()


@pytest.mark.parametrize("line", [b"#!/usr/bin/tool -x\n", b"#!/usr/bin/env tool\n"])
@pytest.mark.parametrize("depth", Depth)
def test_the_interpreter_of_a_script_that_ran_is_kept(closed, make, line, depth):
    items = [*tool(make), make.file("app/run", line, mode=0o755)]
    found = closed(items, *make.used("app/run", how=Operation.EXEC), depth=depth)
    assert "usr/bin/tool" in found.paths


def test_the_applications_own_files_are_kept_but_not_at_the_strict_depth(closed, make):
    items = [make.file("app/a"), make.file("app/model.onnx"), make.folder("app/uploads")]
    assert closed(items, "app/a").paths >= {"app/model.onnx", "app/uploads"}
    assert closed(items, "app/a", depth=Depth.STRICT).paths == {"app/a"}


def test_caches_are_not_the_applications_files(closed, make):
    items = [make.file("app/a"), make.file("root/.cache/pip/http/1"), make.file("var/cache/apt/archives/x.deb")]
    assert closed(items, "app/a").paths & {"root/.cache/pip/http/1", "var/cache/apt/archives/x.deb"} == set()
