"""Which libraries may be changed, told by the licence files of their distributions."""

import pytest

from slimml.native.licence import Kind, file_licences, is_vendor_library, of_library, recognise

BSD = """ * Redistribution and use in source and binary forms, with or without
 * modification, are permitted provided that the following conditions"""
MIT = "Permission is hereby granted … to any person … to deal in the Software without restriction, including"
EULA = "End User License Agreement\n--------------------------\n\nPreface … " + BSD
SPDX = "Metadata-Version: 2.4\nName: x\nLicense-Expression: "


@pytest.mark.parametrize(
    ("text", "name"), [(BSD, "BSD"), (MIT, "MIT"), ("Apache License\n   Version 2.0, 2004", "Apache-2.0")]
)
def test_a_permission_is_recognised_however_it_is_laid_out(text, name):
    licence = recognise({"x.dist-info/LICENSE": text})
    assert (licence.kind, licence.name, licence.told_by) == (Kind.PERMISSIVE, name, "x.dist-info/LICENSE")


def test_an_agreement_that_forbids_wins_over_notices_within_it():
    assert recognise({"x.dist-info/License.txt": EULA}).kind is Kind.PROPRIETARY


def test_a_text_wins_over_the_metadata():
    assert recognise({"License.txt": BSD}, SPDX + "LicenseRef-NVIDIA-Proprietary\n").kind is Kind.PERMISSIVE
    assert recognise({"License.txt": EULA}, SPDX + "MIT\n").kind is Kind.PROPRIETARY


def test_licences_of_bundled_parts_do_not_speak_for_the_whole():
    texts = {"x.dist-info/licenses/LICENSE": BSD, "x.dist-info/licenses/third_party/part/LICENSE": EULA}
    assert recognise(texts).kind is Kind.PERMISSIVE


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        (SPDX + "Apache-2.0 AND (MIT OR BSD-3-Clause)\n", Kind.PERMISSIVE),
        (SPDX + "Apache-2.0 WITH LLVM-exception\n", Kind.PERMISSIVE),
        (SPDX + "MIT AND LicenseRef-Secret\n", Kind.UNKNOWN),
        ("Classifier: License :: OSI Approved :: MIT License\n", Kind.PERMISSIVE),
        ("Classifier: License :: Other/Proprietary License\n", Kind.PROPRIETARY),
        ("License: whatever we say\n", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)
def test_without_a_text_the_metadata_speaks(metadata, kind):
    assert recognise({}, metadata).kind is kind


def test_a_text_that_nobody_knows_is_unknown_whatever_the_metadata_says():
    licence = recognise({"LICENSE": "All rights reserved."}, SPDX + "MIT\n")
    assert (licence.kind, licence.may_be_changed) == (Kind.UNKNOWN, False)


def test_a_vendors_library_in_a_free_distribution_stays_the_vendors():
    free = recognise({"LICENSE": BSD})
    assert of_library("torch/lib/libcudnn.so.9", free).kind is Kind.PROPRIETARY
    assert of_library("torch/lib/libtorch_cuda.so", free) == free


@pytest.mark.parametrize("name", ["libnccl.so.2", "libcaffe2_nvrtc.so", "libc10_cuda.so", "libtorch_nvshmem.so"])
def test_free_libraries_are_not_taken_for_a_vendors(name):
    assert not is_vendor_library(name)


def test_the_files_of_a_record_have_the_licence_beside_it(tmp_path):
    info = tmp_path / "lib/site/pkg-1.dist-info"
    info.mkdir(parents=True)
    (info / "LICENSE").write_text(BSD)
    (info / "METADATA").write_text("Name: pkg\n")
    rows = ["pkg/lib/libpkg.so,sha256=x,1", "pkg-1.dist-info/LICENSE,,", "../../bin/tool,,", "../../../outside,,"]
    (info / "RECORD").write_text("\n".join(rows))
    found = file_licences(tmp_path)
    assert {path: licence.kind for path, licence in found.items()} == dict.fromkeys(
        ["lib/site/pkg/lib/libpkg.so", "lib/site/pkg-1.dist-info/LICENSE", "bin/tool"], Kind.PERMISSIVE
    )


def test_a_licence_that_is_a_link_is_not_read(tmp_path):
    info = tmp_path / "pkg-1.dist-info"
    info.mkdir()
    (tmp_path / "elsewhere").write_text(BSD)
    (info / "LICENSE").symlink_to(tmp_path / "elsewhere")
    (info / "RECORD").write_text("pkg.so,,\npkg-1.dist-info/LICENSE,,")
    assert file_licences(tmp_path)["pkg.so"].kind is Kind.UNKNOWN
