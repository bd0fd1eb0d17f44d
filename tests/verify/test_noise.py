"""What varies by itself is forgiven, and only that: every way in which a varying part may break is seen."""

import itertools
import json
import random
import string
import time
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from slimml.probes.answer import Answer, Asked
from slimml.probes.probe import Compare, HttpProbe
from slimml.verify.compare import compare
from slimml.verify.noise import ignored_parts, learn_answers, learn_noise

NOW = 1_795_000_000.0


def hexadecimal(source):
    return f"{source.getrandbits(64):016x}"


KINDS = {
    "uuid": lambda source: str(uuid.UUID(int=source.getrandbits(128), version=4)),
    "hexadecimal": lambda source: f"{source.getrandbits(48):012x}",
    "token": lambda source: "".join(source.choices(string.ascii_letters + string.digits + "-_", k=22)),
    "address": lambda source: f"<object at 0x{source.getrandbits(40):x}>",
    "timestamp": lambda source: datetime.fromtimestamp(NOW + source.random() * 60, UTC).isoformat(),
    "epoch": lambda source: NOW + source.random() * 60,
    "milliseconds": lambda source: int((NOW + source.random() * 60) * 1000),
    "duration": lambda source: source.uniform(0.001, 0.009),
    "pid": lambda source: source.randint(7, 40),
    "in words": lambda source: f"took {source.uniform(1, 9):.3f}ms on n-{source.randint(1, 9)} [{hexadecimal(source)}]",
    "set": lambda source: source.sample(["red", "green", "blue", "black"], 4),
    "set in words": lambda source: "{" + ", ".join(source.sample(["'red'", "'green'", "'blue'", "'black'"], 4)) + "}",
    "truth": lambda source: source.random() < 0.5,
    "random numbers": lambda source: [source.random() for _ in range(8)],
    "random keys": lambda source: {f"{source.getrandbits(48):012x}": source.random() for _ in range(3)},
    "some elements": lambda source: [{"score": source.uniform(1, 5)} for _ in range(source.randint(4, 7))],
    "objects": lambda source: [{"id": f"{source.getrandbits(32):08x}", "name": name} for name in ("a", "b", "c")],
    "temporary name": lambda source: "/tmp/tmp" + "".join(source.choices(string.ascii_lowercase + "_0123456789", k=8)),
}  # fmt: skip


def response(value, code=200):
    return Answer("probe", code, headers=(("content-type", "application/json"),), body=json.dumps(value).encode())


def text(said):
    return Answer("probe", 0, body=said.encode())


def known_of(answers, rule=None, elapsed=5.0):
    return learn_answers(answers, rule or Compare(), http=True, learnt_at=NOW + 60, elapsed=elapsed)


def differences(seen, value, **more):
    """The parts that differ when the original said `seen` and the other image `value`, each in a stable frame."""
    known = known_of([response({"x": one, "stays": 1}) for one in seen], **more)
    return [found.part for found in compare(known, response({"x": value, "stays": 1}))[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_varies_is_forgiven_20_times_of_20(kind):
    source = random.Random(kind)
    seen = [KINDS[kind](source) for _ in range(4)]
    assert [differences(seen, KINDS[kind](source)) for _ in range(20)] == [[]] * 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong", ["Internal Server Error", "KeyError('x')", None, [], {}, "", "x" * 1000, ["Traceback"], float("nan")]
)
def test_a_varying_part_that_breaks_is_seen(kind, wrong):
    source = random.Random(kind)
    assert differences([KINDS[kind](source) for _ in range(4)], wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_value_beside_what_varies_is_seen(kind):
    source = random.Random(kind)
    known = known_of([response({"x": KINDS[kind](source), "stays": 1}) for _ in range(2)])
    (found,) = [one for one in compare(known, response({"x": KINDS[kind](source), "stays": 2}))[0] if not one.varying]
    assert (found.part, found.slim) == ("json:/stays", "2")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_varying_part_is_seen(kind):
    source = random.Random(kind)
    known = known_of([response({"x": KINDS[kind](source), "stays": 1}) for _ in range(4)])
    assert "json:/x" in [found.part for found in compare(known, response({"stays": 1}))[0]]


@pytest.mark.parametrize(
    ("seen", "value"),
    [
        pytest.param([0.93, 0.9300001], 0.5, id="a result whose last digits vary"),
        pytest.param([0.2, 0.3], -0.2, id="another sign"),
        pytest.param([0.2, 0.3], 40.0, id="another order of magnitude"),
        pytest.param([NOW, NOW + 2], 0.0, id="the epoch's beginning"),
        pytest.param([NOW, NOW + 2], NOW - 9 * 3600, id="a time of nine hours ago"),
        pytest.param(["id-1f2e3d4c", "id-aabb1122"], "id-1f2e3d4", id="an id that is too short"),
        pytest.param(["id-1f2e3d4c", "id-aabb1122"], "no-aabb1122", id="another word before the id"),
        pytest.param([["a", "b", "c"], ["b", "c", "a"]], ["a", "b", "d"], id="another element of a set"),
        pytest.param(["{'a', 'b'}", "{'b', 'a'}"], "{'a', 'c'}", id="another word of a set"),
        pytest.param([[1, 2, 3, 4], [1, 2, 3]], [], id="no elements"),
        pytest.param(["ok 12ms", "ok 14ms"], "ok nanms", id="no number"),
        pytest.param([None, "abc"], 5, id="a third kind"),
        pytest.param(["aGVsbG8gd29ybGQh", "cXVpdGUgb3RoZXI="], "not encoded at all", id="no encoded bytes"),
    ],
)
def test_a_value_of_another_form_is_seen(seen, value):
    assert differences(seen, value)


@pytest.mark.parametrize("name", ["took_ms", "X-Process-Time", "elapsed", "work_seconds", "responseTime", "latency"])
def test_how_long_something_took_tells_of_the_machine_only(name):
    known = known_of([response({name: value}) for value in (0.0511, 0.0512)])
    assert compare(known, response({name: 0.9}))[0] == ()
    assert [bool(compare(known, response({name: value}))[0]) for value in (-1.0, None, "never")] == [True] * 3


@pytest.mark.parametrize("name", ["score", "timeout_reason_count", "sentiment", "items", "image"])
def test_names_that_only_sound_like_times_are_none(name):
    known = known_of([response({name: value}) for value in (0.0511, 0.0512)])
    assert compare(known, response({name: 0.9}))[0]


def test_times_of_the_epoch_vary_although_they_are_within_the_tolerance():
    assert differences([NOW, NOW + 1.5], NOW + 4000, elapsed=4000) == []
    assert differences([NOW, NOW + 1.5], NOW + 4000, elapsed=10) == ["json:/x"]


def test_numbers_beyond_every_float_may_vary():
    assert differences([10**400, 10**400 + 1], 10**400 + 2) == []
    assert differences([10**400, 10**400 + 1], 5) == ["json:/x"]


def test_a_clock_without_its_time_zone_is_seen():
    tokyo = timezone(timedelta(hours=9))
    moments = [datetime.fromtimestamp(NOW + seconds, tokyo).replace(tzinfo=None).isoformat() for seconds in (0, 30)]
    there = datetime.fromtimestamp(NOW + 60, tokyo).replace(tzinfo=None).isoformat()
    utc = datetime.fromtimestamp(NOW + 60, UTC).replace(tzinfo=None).isoformat()
    assert (differences(moments, there), differences(moments, utc)) == ([], ["json:/x"])


def test_a_time_with_another_offset_is_seen():
    def at(hours, seconds):
        return datetime.fromtimestamp(NOW + seconds, timezone(timedelta(hours=hours))).isoformat()

    assert differences([at(9, 0), at(9, 10)], at(0, 20)) == ["json:/x"]


def test_a_time_may_be_later_by_as_much_as_has_passed():
    def at(seconds):
        return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()

    assert differences([at(0), at(10)], at(7200), elapsed=7200) == []
    assert differences([at(0), at(10)], at(7200), elapsed=60) == ["json:/x"]


def test_a_time_of_day_may_pass_midnight():
    assert differences(["23:59:50", "23:59:58"], "00:00:20", elapsed=30) == []


def test_a_member_that_comes_and_goes_may_be_missing():
    known = known_of([response({"a": 1, "b": 2}), response({"a": 1})])
    assert [compare(known, response(value))[0] for value in ({"a": 1}, {"a": 1, "b": 2})] == [(), ()]


def test_no_other_member_may_come():
    known = known_of([response({"a": 1, "b": 2}), response({"a": 1})])
    assert [found.part for found in compare(known, response({"a": 1, "c": 2}))[0]] == ["json:/c"]


def test_a_status_never_varies():
    known = known_of([response(1), response(1)])
    assert [found.part for found in compare(known, response(1, code=500))[0]] == ["status"]


LOG = "2026-11-18 09:{:02}:07,{:03} INFO [{}] request {} done in {:.1f} ms"


def log_lines(source, count):
    found = []
    for _ in range(count):
        request = uuid.UUID(int=source.getrandbits(128))
        numbers = source.randint(10, 12), source.randint(0, 999), source.randint(7, 99)
        found.append(LOG.format(*numbers, request, source.uniform(1, 9)))
    return "\n".join(["starting", *found, "done"])


def test_lines_whose_words_vary_are_forgiven():
    source = random.Random(1)
    known = known_of([text(log_lines(source, 5)) for _ in range(2)])
    assert compare(known, text(log_lines(source, 5)))[0] == ()


def test_lines_whose_number_varies_are_forgiven():
    source = random.Random(1)
    known = known_of([text(log_lines(source, count)) for count in (4, 6)])
    assert compare(known, text(log_lines(source, 5)))[0] == ()


def test_lines_that_come_in_any_order_are_forgiven():
    known = known_of([text("a 0x1f\nb 0x2f\nc 0x3f"), text("b 0x4f\na 0x5f\nc 0x6f")])
    assert compare(known, text("c 0x7f\na 0x8f\nb 0x9f"))[0] == ()


@pytest.mark.parametrize(
    "line",
    ["ModuleNotFoundError: No module named 'x'", "2026-11-18 09:11:07,123 WARNING [9] refused", "done twice"],
)
@pytest.mark.parametrize("counts", [(5, 5), (4, 6)])
def test_a_line_that_the_original_never_says_is_seen(line, counts):
    source = random.Random(1)
    known = known_of([text(log_lines(source, count)) for count in counts])
    said = log_lines(source, 5).splitlines()
    assert compare(known, text("\n".join([*said[:3], line, *said[4:-1]])))[0]


def test_a_line_of_every_run_that_is_missing_is_seen():
    source = random.Random(1)
    known = known_of([text(log_lines(source, count)) for count in (4, 6)])
    assert compare(known, text(log_lines(source, 5).removeprefix("starting\n")))[0]


@pytest.mark.parametrize("order", [1, -1])
def test_a_wrong_number_in_a_line_of_every_run_is_seen(order):
    source = random.Random(1)
    first, second = (f"{log_lines(source, count)}\naccuracy: 0.93".splitlines() for count in (4, 5))
    known = known_of([text("\n".join(first)), text("\n".join(second[::order]))])
    said = log_lines(source, 5)
    assert compare(known, text(f"{said}\naccuracy: 0.93"))[0] == ()
    assert compare(known, text(f"{said}\naccuracy: 0.51"))[0]


def batch(name, content):
    return Answer("probe", 0, files={name: content, "/out/fixed.txt": b"x"})


def test_names_of_files_may_have_parts_that_vary():
    known = known_of([batch(f"/out/run-{number:08x}.csv", b"a,b\n1,2\n") for number in (0xA1B2C3D4, 0x91B2C3D5)])
    assert compare(known, batch("/out/run-00ff00ff.csv", b"a,b\n1,2\n"))[0] == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("/out/run-00ff00ff.csv", b"a,b\n1,3\n"),
        ("/out/walk-00ff00ff.csv", b"a,b\n1,2\n"),
        ("/out/run-00ff00ff.csv", b""),
    ],
)
def test_a_file_of_another_name_or_content_is_seen(name, content):
    known = known_of([batch(f"/out/run-{number:08x}.csv", b"a,b\n1,2\n") for number in (0xA1B2C3D4, 0x91B2C3D5)])
    assert compare(known, batch(name, content))[0]


def test_a_header_that_varies_is_forgiven():
    def traced(word):
        return Answer("probe", 200, headers=(("X-Request-Id", word), ("X-Time", "1")))

    known = known_of([traced("5c0e9a52d1f3"), traced("11223344aabb")])
    assert compare(known, traced("0123456789ab"))[0] == ()
    assert [found.part for found in compare(known, traced("error"))[0]] == ["header:x-request-id"]


def test_what_varies_is_told_once_for_all_elements():
    source = random.Random(2)
    known = known_of([response([{"id": KINDS["uuid"](source), "n": 1} for _ in range(3)]) for _ in range(2)])
    assert ignored_parts(known) == ("json:/*/id: a uuid",)


def test_what_varies_in_one_element_is_told_there():
    source = random.Random(2)
    known = known_of([response(["a", KINDS["uuid"](source)]) for _ in range(2)])
    assert ignored_parts(known) == ("json:/1: a uuid",)


def test_what_the_probe_ignores_is_told():
    known = known_of([response({"a": 1}), response({"a": 2})], Compare(ignore=("json:/a",)))
    assert ignored_parts(known) == ("json:/a: as the probe says",)


def test_the_noise_of_a_suite_is_told_by_probe():
    probes = [HttpProbe("steady", "/", 80), HttpProbe("noisy", "/", 80)]
    rounds = [Asked((response(1), response({"took": value})), 0.1, None) for value in (0.001, 0.002)]
    assert learn_noise(probes, rounds, time.time()).parts == {"noisy": ("json:/took: a number, 0.001 to 0.002",)}


def test_elements_that_all_vary_tell_of_each_other():
    rounds = [[0.5, 0.9, 0.01, 0.7], [0.51, 0.2, 0.3, 0.8]]
    assert differences(rounds, [0.002, 0.5, 0.5, 0.5]) == []


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(["a1b2c3", "123456", "abcdef"], 2)))
def test_hexadecimal_ids_may_look_like_numbers_or_words(one, other):
    assert differences([one, other], "ff0011") == []
