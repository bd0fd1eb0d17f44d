"""Bytes that later layers hide, and contents that lie in an image more than once."""

from dataclasses import replace

from slimml.bloat.finding import Action, Risk


def test_a_chmod_in_a_later_layer_is_a_copy_up(make, found, paths):
    tool = make.file(9000, "tool")
    inventory = make.inventory(
        [{"opt/tool": tool}, {"opt/tool": replace(tool, mode=0o755)}],
        steps=["COPY x /opt", "RUN /bin/sh -c chmod +x /opt/tool"],
    )
    finding = found(inventory)["copied-up"]
    assert paths(inventory, finding) == ["opt/tool"]
    assert finding.risk is Risk.SAFE
    assert "layer 1: RUN chmod +x /opt/tool" in finding.fix


def test_the_same_file_copied_twice_is_told_apart_from_a_copy_up(make, found):
    tool = make.file(9000, "tool")
    assert set(found(make.inventory([{"opt/tool": tool}, {"opt/tool": replace(tool, mtime=5)}]))) >= {"written-again"}


def test_another_content_is_a_replacement(make, found):
    rules = found(make.inventory([{"a": make.file(9000, "old")}, {"a": make.file(9000, "new")}]))
    assert "overwritten" in rules
    assert "copied-up" not in rules


def test_contents_known_by_the_engines_checksum_compare_too(make, found):
    tool = make.file(9000, "tool", hashed=False)
    assert "copied-up" in found(make.inventory([{"a": tool}, {"a": replace(tool, uid=1000)}]))


def test_deleted_trees_are_claimed_with_their_directories(make, found, paths):
    inventory = make.inventory([{"src": make.folder(), "src/a.c": 4000}, {"src": make.gone}])
    assert paths(inventory, found(inventory)["deleted"]) == ["src", "src/a.c"]


def test_a_directory_named_again_later_is_not_bloat(make, found):
    inventory = make.inventory([{"app": make.folder(), "app/a": 10}, {"app": make.folder(), "app/b": 10}])
    assert "overwritten" not in found(inventory)


def test_a_secret_that_was_deleted_is_both_dropped_and_told(make, found, paths):
    inventory = make.inventory([{"app/.env": 200}, {"app/.env": make.gone}])
    findings = found(inventory)
    assert paths(inventory, findings["deleted"]) == ["app/.env"]
    assert findings["secret-files"].rows.size == 0
    assert findings["secret-files"].mentioned.tolist() == [0]
    assert "deleted but still pulled" in findings["secret-files"].title


def test_identical_files_of_root_become_links_to_the_first(make, found):
    same = make.file(8192, "same")
    inventory = make.inventory([{"usr/lib/a.so": same, "usr/lib/b.so": same, "usr/lib/c.so": same}])
    finding = found(inventory)["duplicates"]
    assert (finding.action, finding.risk) == (Action.LINK, Risk.SAFE)
    assert finding.rows.tolist() == [1, 2]
    assert finding.targets.tolist() == [0, 0]


def test_files_that_differ_in_owner_or_time_are_only_told(make, found):
    same = make.file(8192, "same")
    for other in (replace(same, uid=1000), replace(same, mtime=1), replace(same, mode=0o755)):
        rules = found(make.inventory([{"usr/lib/a": same, "usr/lib/b": other}]))
        assert "duplicates" not in rules
        assert rules["duplicates-elsewhere"].action is Action.TELL


def test_files_that_users_may_write_are_only_likely(make, found):
    same = make.file(8192, "same", uid=1000)
    assert found(make.inventory([{"app/a": same, "app/b": same}]))["duplicates-writable"].risk is Risk.LIKELY


def test_small_files_are_left_alone(make, found):
    same = make.file(4095, "same")
    assert "duplicates" not in found(make.inventory([{"usr/a": same, "usr/b": same}]))


def test_copies_in_another_layer_can_only_be_told(make, found):
    same = make.file(8192, "same")
    finding = found(make.inventory([{"usr/a": same}, {"usr/b": same}]))["duplicates-elsewhere"]
    assert finding.rows.tolist() == [1]


def test_a_links_target_is_never_removed_by_another_finding(make, found):
    same = make.file(8192, "same")
    site = "usr/lib/python3.11/site-packages/x"
    inventory = make.inventory([{f"{site}/tests/data.bin": same, f"{site}/data.bin": same, f"{site}/more.bin": same}])
    findings = found(inventory)
    assert findings["python-tests"].rows.tolist() == [0]
    assert findings["duplicates"].rows.tolist() == [2]
    assert findings["duplicates"].targets.tolist() == [1]
