"""Native code: needed libraries are found as the loader finds them, plug-ins by their systems."""

import pytest

from slimml.usage.closure_result import Depth


def program(make, *needed, **more):
    return make.file("app/tool", make.elf(*needed, **more), mode=0o755)


@pytest.mark.parametrize("depth", Depth)
def test_a_needed_library_is_kept_with_what_it_needs_and_the_links_to_it(closed, make, depth):
    found = closed(
        [
            program(make, "libone.so.1"),
            make.symlink("usr/lib/libone.so.1", "libone.so.1.2"),
            make.file("usr/lib/libone.so.1.2", make.elf("libtwo.so")),
            make.file("usr/lib/x86_64-linux-gnu/libtwo.so", make.elf()),
            make.symlink("lib", "usr/lib"),
        ],
        "app/tool",
        depth=depth,
    )
    assert {"usr/lib/libone.so.1", "usr/lib/libone.so.1.2", "usr/lib/x86_64-linux-gnu/libtwo.so"} <= found.paths


def test_the_reason_names_who_needs_a_library(closed, make):
    items = [*make.debian(libone=("", [make.file("usr/lib/libone.so", make.elf())])), program(make, "libone.so")]
    assert closed(items, "app/tool").why("usr/lib/libone.so") == "/app/tool needs it"


def test_runpath_with_origin_is_followed(closed, make):
    items = [
        *make.python("native", {"native/a.so": make.elf("libx.so", runpath="$ORIGIN/../native.libs")}),
        make.file(f"{make.site}/native.libs/libx.so", make.elf()),
        make.file("usr/lib/libx.so", make.elf()),
    ]
    found = closed(items, f"{make.site}/native/a.so", depth=Depth.STRICT)
    assert f"{make.site}/native.libs/libx.so" in found.paths
    assert "usr/lib/libx.so" not in found.paths


def test_directories_of_ld_so_conf_and_its_includes_are_searched(closed, make):
    items = [
        program(make, "libx.so"),
        make.file("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n"),
        make.file("etc/ld.so.conf.d/own.conf", b"# ours\n/opt/own/lib\n"),
        make.file("opt/own/lib/libx.so", make.elf()),
    ]
    assert "opt/own/lib/libx.so" in closed(items, "app/tool", depth=Depth.STRICT).paths


def test_ld_library_path_is_searched(closed, make):
    items = [program(make, "libx.so"), make.file("srv/lib/libx.so", make.elf())]
    found = closed(items, "app/tool", depth=Depth.STRICT, runtime={"Env": ["LD_LIBRARY_PATH=/srv/lib"]})
    assert "srv/lib/libx.so" in found.paths


def test_variants_for_other_hardware_are_kept_too(closed, make):
    variant = "usr/lib/glibc-hwcaps/x86-64-v3/libx.so"
    items = [program(make, "libx.so"), make.file("usr/lib/libx.so", make.elf()), make.file(variant, make.elf())]
    found = closed([*items, make.file("other")], "app/tool", depth=Depth.STRICT)
    assert "usr/lib/libx.so" in found.paths


def test_a_library_that_was_loaded_before_is_found_by_its_name_among_the_distributions(closed, make):
    place = f"{make.site}/nvidia/cublas/lib/libcublas.so.12"
    items = [
        *make.python("torch", {"torch/lib/libtorch.so": make.elf("libcublas.so.12")}),
        *make.python("nvidia-cublas", {"nvidia/cublas/lib/libcublas.so.12": make.elf()}),
    ]
    assert place in closed(items, f"{make.site}/torch/lib/libtorch.so").paths


def test_the_loader_that_a_program_names_is_kept_through_links(closed, make):
    items = [
        program(make, interpreter="/lib64/ld-linux-x86-64.so.2"),
        make.symlink("lib64", "usr/lib64"),
        make.symlink("usr/lib64/ld-linux-x86-64.so.2", "../lib/ld.so"),
        make.file("usr/lib/ld.so", make.elf()),
    ]
    assert {"lib64", "usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld.so"} <= closed(
        items, "app/tool", depth=Depth.STRICT
    ).paths


def test_a_library_named_in_the_bytes_of_a_kept_one_is_kept_but_not_at_the_strict_depth(closed, make):
    items = [
        program(make, names=("libgcc_s.so.1",)),
        *make.debian(libgcc=("", [make.file("usr/lib/libgcc_s.so.1", make.elf())])),
    ]
    assert "usr/lib/libgcc_s.so.1" in closed(items, "app/tool").paths
    assert "usr/lib/libgcc_s.so.1" not in closed(items, "app/tool", depth=Depth.STRICT).paths


def test_the_old_name_of_a_library_that_a_wheel_brings_itself_keeps_no_other(closed, make):
    items = [
        *make.python(
            "cv2",
            {"cv2.libs/libaom-a0d22147.so.3": make.elf(names=("libaom.so.3",))},
        ),
        *make.debian(libaom3=("", [make.file("usr/lib/libaom.so.3", make.elf())])),
    ]
    assert closed(items, f"{make.site}/cv2.libs/libaom-a0d22147.so.3").dropped == {"dpkg:libaom3"}


@pytest.mark.parametrize(
    ("host", "plugin"),
    [
        ("usr/lib/libcudnn.so.9", "usr/lib/libcudnn_ops.so.9"),
        ("usr/lib/libcrypto.so.3", "usr/lib/ossl-modules/legacy.so"),
        ("usr/lib/libc.so.6", "usr/lib/gconv/ISO8859-1.so"),
        ("usr/lib/libc.so.6", "usr/lib/libnss_dns.so.2"),
        ("opt/onnxruntime/capi/onnxruntime_pybind11_state.so", "opt/onnxruntime/capi/libonnxruntime_providers_cuda.so"),
        ("opt/cv2/cv2.abi3.so", "opt/cv2/qt/plugins/platforms/libqxcb.so"),
        ("opt/PIL/_imaging.cpython-311-x86_64-linux-gnu.so", "opt/PIL/WebPImagePlugin.py"),
    ],
)
def test_plugins_of_known_systems_are_kept_with_their_host(closed, make, host, plugin):
    items = make.debian(host=("", [make.file(host, make.elf())]), plugin=("", [make.file(plugin, make.elf())]))
    assert plugin in closed(items, host).paths


def test_drivers_of_mesa_are_not_plugins(closed, make):
    items = make.debian(
        libgl=("", [make.file("usr/lib/libGL.so.1", make.elf(names=("libGLX_mesa.so.0",)))]),
        mesa=("", [make.file("usr/lib/libGLX_mesa.so.0", make.elf())]),
    )
    assert closed(items, "usr/lib/libGL.so.1").dropped == {"dpkg:mesa"}
