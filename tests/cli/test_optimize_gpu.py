"""`optimize --gpu-arch` and `analyze` on an image with GPU code: what goes, whose it is, and what the image says."""

import base64
import hashlib
import json
import random

import jsonschema
import pytest
from gpu_library import container, cubins, library
from layered_image import file, image_of
from tiny_elf import tiny_library

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.report.json import schema_text

SITE = "usr/lib/python3/site-packages"
BSD = b"Redistribution and use in source and binary forms, with or without modification, are permitted provided that"
CLOSED = b"All rights reserved. You may not modify this software."


def record(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def distribution(name, licence, data):
    info = f"{name}-1.dist-info"
    lines = [record(f"{name}/libkernels.so", data), f"{info}/LICENSE,,\n", f"{info}/METADATA,,\n", f"{info}/RECORD,,\n"]
    return [
        file(f"{SITE}/{name}/libkernels.so", data),
        file(f"{SITE}/{info}/LICENSE", licence),
        file(f"{SITE}/{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n".encode()),
        file(f"{SITE}/{info}/RECORD", "".join(lines).encode()),
    ]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """Libraries with code for three GPUs, by the distribution that has them."""
    place = tmp_path_factory.mktemp("gpu")
    sizes = {"free": 60_000, "closed": 70_000}
    return {
        name: library(place / f"lib{name}.so", [container(*cubins(75, 80, 90, size=size))]).read_bytes()
        for name, size in sizes.items()
    }


@pytest.fixture
def image(at_home, kernels):
    """A layout with a distribution that may be changed, one that may not, and a library with symbols."""
    found = image_of(
        [*distribution("free", BSD, kernels["free"]), *distribution("closed", CLOSED, kernels["closed"])],
        [
            file("root/.cache/pip/http-v2/a/b/entry", random.Random(1).randbytes(30_000)),
            file("app/lib.so", tiny_library(big=1 << 16)),
            file("app/main.py", b"print(1)\n"),
        ],
    )
    write_image(found, parse_reference(f"oci:{at_home}/images:gpu"))
    return f"oci:{at_home}/images:gpu"


def ledger_rules(slimml, words):
    found = slimml("optimize", *words, "--yes", "--no-verify", "--json")
    assert found.code == 0, found.err
    return {step["rule"]: step["replaced"] for step in found.json["plan"]["steps"] if step["replaced"]}, found


def test_only_what_a_licence_permits_is_changed(slimml, image):
    rules, found = ledger_rules(slimml, [image, "-t", "slim", "--gpu-arch", "sm_90"])
    assert rules["gpu-architectures"] == 1
    assert "--modify-proprietary" in found.err


def test_all_of_it_is_changed_where_that_was_said(slimml, image):
    rules, found = ledger_rules(slimml, [image, "-t", "slim", "--gpu-arch", "sm_90", "--modify-proprietary"])
    assert rules["gpu-architectures"] == 2
    assert "forbid changed copies" in found.err


def test_the_image_says_for_which_gpus_it_is(slimml, image, at_home):
    ledger_rules(slimml, [image, "-t", "slim", "--gpu-arch", "sm_90,sm_80"])
    made = open_image(parse_reference(f"oci:{at_home}/images:slim"))
    assert made.config.labels["org.slimml.gpu-architectures"] == "sm_80,sm_90"
    assert "--gpu-arch sm_80,sm_90" in made.config.history[-1].created_by


def test_gpu_code_stays_unless_gpus_are_named(slimml, image, at_home):
    found = slimml("optimize", image, "--dry-run", "--json")
    assert "gpu-architectures" not in {step["rule"] for step in found.json["plan"]["steps"]}


def test_a_rule_that_is_left_out_changes_nothing(slimml, image):
    words = ("optimize", image, "--gpu-arch", "sm_90", "--skip", "gpu-architectures", "--dry-run", "--json")
    assert "gpu-architectures" not in {step["rule"] for step in slimml(*words).json["plan"]["steps"]}


def test_what_was_trimmed_comes_back(slimml, image, at_home, kernels):
    ledger_rules(slimml, [image, "-t", "slim", "--gpu-arch", "sm_90", "--keep-removed"])
    assert slimml("restore", f"oci:{at_home}/images:slim", "-t", "back").code == 0
    shown = slimml("analyze", f"oci:{at_home}/images:back", "--json").json
    assert {one["path"]: one["size"] for one in shown["gpu"]} == {
        f"/{SITE}/{name}/libkernels.so": len(kernels[name]) for name in kernels
    }


def test_analyze_tells_bytes_by_architecture_and_what_targets_save(slimml, image):
    found = slimml("analyze", image, "--json").json
    jsonschema.validate(found, json.loads(schema_text("analysis")))
    free, closed = sorted(found["gpu"], key=lambda one: not one["may_be_changed"])
    assert set(free["by_target"]) == {"sm_75", "sm_80", "sm_90"}
    assert 0 < free["saved_by"]["sm_90"] < sum(free["by_target"].values())
    assert (free["may_be_changed"], closed["may_be_changed"]) == (True, False)


def test_analyze_shows_a_table(slimml, image):
    found = slimml("analyze", image).out
    assert "GPU code" in found
    assert "--gpu-arch sm_90 would take out at most" in found
    assert slimml("analyze", image).out == found  # kept, too


@pytest.mark.parametrize("words", [["--modify-proprietary"], ["--gpu-arch", "hopper"], ["--models", "all"]])
def test_mistakes_are_usage_errors(slimml, image, words):
    assert slimml("optimize", image, *words, "--dry-run").code == 2
