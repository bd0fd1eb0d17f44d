"""Which packages an image lacks, from what its loader and the original's dpkg say."""

from dataclasses import dataclass

from slimml.slim.dockerfiles.loaded import lacking_packages


@dataclass
class Told:
    """What two images print."""

    missing: str
    owners: str = ""

    def output(self, name, script):
        return self.owners if name == "original" else self.missing


def test_the_package_of_a_missing_library_is_named():
    told = Told("libpq.so.5\n", "libpq5:amd64: /usr/lib/x86_64-linux-gnu/libpq.so.5\n")
    assert lacking_packages(told, "original", "new") == {"libpq5"}


def test_a_library_of_no_package_is_the_application_s_own():
    assert lacking_packages(Told("libc10.so\n"), "original", "new") == frozenset()


def test_what_is_no_name_of_a_library_is_not_asked_for():
    told = Told("$(reboot)\n", "evil: /usr/lib/$(reboot)\n")
    assert lacking_packages(told, "original", "new") == frozenset()


def test_a_package_that_only_has_a_similar_file_is_not_named():
    told = Told("libpq.so.5\n", "other: /usr/lib/other/libpq.so.5.bak\n")
    assert lacking_packages(told, "original", "new") == frozenset()
