"""The store: what was added is there, whatever happens to a later writer."""

import errno
import multiprocessing
import os
import resource
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies
from made_up import make_result, timed

from slimml.errors import AccessDenied, NotFound, SlimmlError, UsageError
from slimml.history.store import append, files, load, read


def nights(directory):
    return [int(one.id, 16) for one in load(directory)]


def test_what_was_added_is_loaded_as_it_was(tmp_path):
    result = make_result(1, {"size/layers": 7, "start/dropped/seconds": timed(1.5)}, noise=("busy",))
    append(tmp_path, result)
    assert load(tmp_path) == [result]


def test_a_host_class_and_month_have_a_file_of_their_own(tmp_path):
    append(tmp_path, make_result(1), make_result(29), make_result(2, host="other"))
    names = [str(path.relative_to(tmp_path)) for path in files(tmp_path)]
    assert names == ["amd-epyc-2c-32g/2026-11.jsonl", "amd-epyc-2c-32g/2026-12.jsonl", "other/2026-11.jsonl"]


def test_results_come_from_the_oldest_whatever_the_order_of_adding(tmp_path):
    for night in (30, 2, 1):
        append(tmp_path, make_result(night))
    assert nights(tmp_path) == [1, 2, 30]


def test_what_is_there_already_is_not_added_again(store):
    assert append(store, make_result(3), make_result(4)) == [make_result(4)]
    assert nights(store) == [1, 2, 3, 4]


def test_a_line_that_a_merge_brought_twice_counts_once(store, only_file):
    only_file.write_bytes(only_file.read_bytes() * 2)
    assert nights(store) == [1, 2, 3]


def test_results_are_chosen_by_their_keys(tmp_path):
    append(tmp_path, make_result(1), make_result(2, image="b"), make_result(3, engine="podman 4.3"))
    append(tmp_path, make_result(4, suite="2"), make_result(5, host="other"))
    chosen = load(tmp_path, image="app", host="amd-epyc-2c-32g", engine="docker 20.10 overlay2", suite="1")
    assert [one.id for one in chosen] == [make_result(1).id]


def test_where_no_store_is_nothing_can_be_loaded(tmp_path):
    with pytest.raises(NotFound, match="no directory of results"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("host", ["", "../../etc", "A", "a/b", ".hidden", "a" * 101])
def test_a_host_class_that_is_no_plain_name_is_refused(tmp_path, host):
    with pytest.raises(UsageError, match="host class"):
        append(tmp_path / "history", make_result(1, host=host))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("began", ["../../x", "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-01T00:00:00"])
def test_a_time_that_is_none_is_refused(tmp_path, began):
    with pytest.raises(UsageError, match="no time"):
        append(tmp_path, make_result(1, began=began))


def test_a_directory_that_is_a_link_to_elsewhere_is_not_written(store, only_file, tmp_path):
    only_file.parent.rename(tmp_path / "elsewhere")
    only_file.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AccessDenied, match="a link to another place"):
        append(store, make_result(4))


@pytest.mark.parametrize(
    "line",
    [b'{"x":' + b"[" * 100_000, b"[" * 100_000, b'{"id":' + b"9" * 5000 + b"}", b'{"began":"never"}', b"\x00" * 100],
    ids=["deep", "deep list", "a long number", "no time", "zeros"],
)
def test_a_hostile_line_is_a_damaged_one(store, only_file, line):
    with only_file.open("ab") as file:
        file.write(line + b"\n")
    assert (len(read(store).results), len(read(store).damaged)) == (3, 1)


def test_a_line_whose_time_is_none_is_a_damaged_one(store, only_file):
    only_file.write_text(only_file.read_text().replace("2026-11-02T03", "2026-11-02T93"))
    assert (len(read(store).results), len(read(store).damaged)) == (2, 1)


@settings(max_examples=60, deadline=None)
@given(data=strategies.data())
def test_whatever_happens_to_a_line_the_others_are_there(data):
    """Bytes of one line are replaced by anything that is no line end; cutting the end of the file is such a thing."""
    with TemporaryDirectory() as place:
        directory = Path(place)
        append(directory, *(make_result(night) for night in range(1, 5)))
        (path,) = files(directory)
        lines = path.read_bytes().splitlines(keepends=True)
        hit = data.draw(strategies.integers(0, 3))
        begin = data.draw(strategies.integers(0, len(lines[hit]) - 1))
        end = data.draw(strategies.integers(begin, len(lines[hit]) - 1))
        noise = data.draw(strategies.binary(max_size=40)).replace(b"\n", b"").replace(b"\r", b"")
        lines[hit] = lines[hit][:begin] + noise + lines[hit][end:]
        path.write_bytes(b"".join(lines))
        append(directory, make_result(5))
        there = {one.id for one in read(directory).results}
        assert {make_result(night).id for night in (1, 2, 3, 4, 5) if night != hit + 1} <= there


def test_a_file_that_is_a_link_to_elsewhere_is_not_written(store, only_file, tmp_path):
    only_file.rename(tmp_path / "elsewhere")
    only_file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AccessDenied):
        append(store, make_result(4))


def test_a_corrupt_line_is_told_and_skipped(store, only_file):
    lines = only_file.read_bytes().splitlines(keepends=True)
    only_file.write_bytes(lines[0] + b'{"id":"x\n' + b"<<<<<<< HEAD\n" + lines[1] + lines[2])
    kept = read(store)
    assert [one.id[-1] for one in kept.results] == ["1", "2", "3"]
    assert [(one.number, one.reason) for one in kept.damaged] == [
        (2, "this line was cut or damaged"),
        (3, "this is no result"),
    ]


def test_a_line_of_a_newer_version_is_told_and_skipped(store, only_file):
    text = only_file.read_text().replace("slimml.history/1", "slimml.history/2", 1)
    only_file.write_text(text)
    (damage,) = read(store).damaged
    assert "no result that this version of slimml knows" in str(damage)


def test_a_corrupt_line_stays_in_its_place(store, only_file):
    damaged = only_file.read_bytes().replace(b'"image":"app"', b'"image":', 1)
    only_file.write_bytes(damaged)
    append(store, make_result(4))
    assert only_file.read_bytes().startswith(damaged)


def test_half_a_line_of_a_killed_writer_swallows_no_later_result(store, only_file):
    only_file.write_bytes(only_file.read_bytes()[:-40])
    append(store, make_result(4))
    kept = read(store)
    assert ([one.id[-1] for one in kept.results], len(kept.damaged)) == (["1", "2", "4"], 1)


def test_bytes_that_are_no_text_are_a_damaged_line(store, only_file):
    with only_file.open("ab") as file:
        file.write(b"\xff\x00\xfe\n")
    assert (len(read(store).results), len(read(store).damaged)) == (3, 1)


def _add_many(directory, first):
    for night in range(first, first + 50):
        append(directory, make_result(night, {f"m{count}": count for count in range(200)}))


def test_two_writers_at_once_lose_nothing(store):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(store, first)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    kept = read(store)
    assert (len(kept.results), kept.damaged) == (103, [])


def _die_while_writing(directory):
    written = os.write

    def write_half(handle, data):
        written(handle, bytes(data)[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    os.write = write_half
    append(directory, make_result(4))


def test_a_writer_killed_in_the_middle_loses_only_its_own_line(store):
    killed = multiprocessing.get_context("fork").Process(target=_die_while_writing, args=(store,))
    killed.start()
    killed.join()
    append(store, make_result(5))
    kept = read(store)
    assert ([one.id[-1] for one in kept.results], len(kept.damaged)) == (["1", "2", "3", "5"], 1)


@pytest.fixture
def no_room(only_file):
    """No file may grow by more than 100 bytes beyond what the store's has now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (only_file.stat().st_size + 100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_file_as_it_was(store, only_file, no_room):
    before = only_file.read_bytes()
    with pytest.raises(SlimmlError, match="no room for the new results"):
        append(store, make_result(4))
    assert only_file.read_bytes() == before


def test_after_a_full_disk_adding_goes_on(store, only_file):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (only_file.stat().st_size + 100, before[1]))
    with pytest.raises(SlimmlError):
        append(store, make_result(4))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    append(store, make_result(4))
    assert nights(store) == [1, 2, 3, 4]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this kernel has no /dev/full")
def test_a_device_without_room_is_an_error_of_the_disk(tmp_path):
    from slimml.history.store import write_all

    handle = os.open("/dev/full", os.O_RDWR | os.O_APPEND)
    try:
        with pytest.raises(OSError) as caught:
            write_all(handle, b"line\n")
    finally:
        os.close(handle)
    assert caught.value.errno == errno.ENOSPC


def test_what_the_user_may_not_write_is_named(store, only_file):
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    only_file.chmod(0o400)
    with pytest.raises(AccessDenied, match="cannot be written"):
        append(store, make_result(4))
