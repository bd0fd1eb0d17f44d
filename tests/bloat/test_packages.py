"""Sets of packages that can go together, and what is called a build tool."""

import pytest

from slimml.bloat.finding import Action, Risk
from slimml.bloat.packages import removable_packages


def names(inventory, wanted):
    chosen = removable_packages(inventory, lambda owner: owner.name in wanted)
    return {inventory.owners[position].name for position in chosen}


def of(make, *owners):
    return make.inventory(
        [{f"opt/{n}": 10 for n in range(len(owners))}], {o: [f"opt/{n}"] for n, o in enumerate(owners)}
    )


def test_what_a_remaining_package_requires_stays(make):
    inventory = of(make, make.dpkg("gcc", requires=("cpp",)), make.dpkg("cpp"), make.dpkg("app", requires=("cpp",)))
    assert names(inventory, {"gcc", "cpp"}) == {"gcc"}


def test_staying_is_contagious(make):
    chain = [
        make.dpkg("app", requires=("a",)),
        make.dpkg("a", requires=("b",)),
        make.dpkg("b", requires=("c",)),
        make.dpkg("c"),
    ]
    assert names(of(make, *chain), {"a", "b", "c"}) == set()


def test_packages_that_require_each_other_go_together(make):
    assert names(of(make, make.dpkg("a", requires=("b",)), make.dpkg("b", requires=("a",))), {"a", "b"}) == {"a", "b"}


def test_essential_packages_never_go(make):
    assert names(of(make, make.dpkg("dpkg", essential=True)), {"dpkg"}) == set()


def test_one_remaining_alternative_is_enough(make):
    inventory = of(make, make.dpkg("app", requires=("gcc|clang",)), make.dpkg("gcc"), make.dpkg("clang"))
    assert names(inventory, {"gcc"}) == {"gcc"}
    assert names(inventory, {"gcc", "clang"}) == set()


def test_what_is_provided_counts_as_the_name(make):
    inventory = of(make, make.dpkg("app", requires=("libc-dev",)), make.dpkg("libc6-dev", provides=("libc-dev",)))
    assert names(inventory, {"libc6-dev"}) == set()


def test_rpm_capabilities_with_brackets_are_told_apart(make):
    rpm = make.system.RPM
    inventory = of(
        make,
        make.owner(rpm, "app", requires=("lib.so.1(A)(64bit)",)),
        make.owner(rpm, "one", provides=("lib.so.1(A)(64bit)",)),
        make.owner(rpm, "two", provides=("lib.so.1(B)(64bit)",)),
    )
    assert names(inventory, {"one", "two"}) == {"two"}


def test_a_required_file_keeps_its_package(make):
    rpm = make.system.RPM
    inventory = make.inventory(
        [{"usr/bin/perl": 10, "opt/app": 10}],
        {make.owner(rpm, "perl"): ["usr/bin/perl"], make.owner(rpm, "app", requires=("/usr/bin/perl",)): ["opt/app"]},
    )
    assert names(inventory, {"perl"}) == set()


def test_names_of_distributions_compare_as_pep_503_says(make):
    inventory = of(make, make.dist("app", requires=("Foo_Bar.baz",)), make.dist("foo-bar-baz"))
    assert names(inventory, {"foo-bar-baz"}) == set()


def test_a_distribution_keeps_condas_package_of_that_name(make):
    inventory = of(make, make.dist("app", requires=("setuptools",)), make.owner(make.system.CONDA, "setuptools"))
    assert names(inventory, {"setuptools"}) == set()


def test_a_distribution_keeps_the_systems_package_of_that_name(make):
    inventory = of(make, make.dist("app", requires=("setuptools",)), make.dpkg("python3-setuptools"))
    assert names(inventory, {"python3-setuptools"}) == set()


def build_tools(make, found, *owners, **image):
    trees = {f"opt/{n}": 10 for n in range(len(owners))}
    inventory = make.inventory([trees], {o: [f"opt/{n}"] for n, o in enumerate(owners)}, **image)
    finding = found(inventory).get("build-tools")
    return (finding, {inventory.owners[o].name for o in finding.owners} if finding else set())


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("gcc-12", "devel"),
        ("libssl-dev", "libdevel"),
        ("git", "vcs"),
        ("build-essential", "x"),
        ("cmake", "x"),
        ("ninja-build", "x"),
    ],
)
def test_build_tools_go_as_packages(make, found, name, section):
    finding, chosen = build_tools(make, found, make.dpkg(name, section))
    assert chosen == {name}
    assert (finding.action, finding.risk) == (Action.PACKAGE, Risk.LIKELY)


@pytest.mark.parametrize(
    "owner",
    [
        ("libgomp1", "libs"),
        ("libstdc++6", "libs"),
        ("libgcc-s1", "libs"),
        ("libquadmath0", "libs"),
        ("libopenblas0-pthread", "libs"),
        ("perl-base", "perl"),
        ("libcudnn9-cuda-12", "multiverse/devel"),
        ("cuda-cudart-12-1", "multiverse/devel"),
        ("nodejs", "javascript"),
        ("ca-certificates", "misc"),
        ("libmpfr6", "libs"),
    ],
)
def test_what_programs_load_stays(make, found, owner):
    assert build_tools(make, found, make.dpkg(*owner))[1] == set()


def test_a_compilers_libraries_go_when_apt_says_that_nobody_asked_for_them(make, found):
    gcc = make.dpkg("gcc-12", "devel", requires=("libmpfr6",))
    assert build_tools(make, found, gcc, make.dpkg("libmpfr6", "libs", automatic=True))[1] == {"gcc-12", "libmpfr6"}


def test_cuda_compilers_go_and_cuda_libraries_stay(make, found):
    owners = [make.dpkg("cuda-nvcc-12-1", "multiverse/devel"), make.dpkg("libcublas-12-1", "multiverse/devel")]
    assert build_tools(make, found, *owners)[1] == {"cuda-nvcc-12-1"}


def test_a_tool_that_the_command_calls_stays(make, found):
    image = {"runtime": {"Cmd": ["sh", "-c", "make serve"]}}
    assert build_tools(make, found, make.dpkg("make", "devel"), make.dpkg("gcc", "devel"), **image)[1] == {"gcc"}


def test_compilers_are_asked_about_where_triton_may_call_them(make, found):
    assert build_tools(make, found, make.dpkg("gcc", "devel"), make.dist("triton"))[0].risk is Risk.ASK


def test_alpine_and_fedora_name_them_otherwise(make, found):
    apk, rpm = make.system.APK, make.system.RPM
    owners = [
        make.owner(apk, "build-base"),
        make.owner(apk, ".build-deps"),
        make.owner(rpm, "gcc-c++"),
        make.owner(rpm, "zlib-devel"),
    ]
    assert build_tools(make, found, *owners)[1] == {"build-base", ".build-deps", "gcc-c++", "zlib-devel"}
