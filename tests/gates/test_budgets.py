"""Budgets: how they are written, what is refused, and what each is held against."""

import json

import pytest
from layered_image import file, image_of

from slimml.bench.results import ImageFacts, Measure, Measurement
from slimml.bench.summary import summarize
from slimml.bloat.detect import find_bloat
from slimml.errors import NotFound, UsageError
from slimml.gates.amount import Amount, Unit, parse_amount
from slimml.gates.bench_times import read_times
from slimml.gates.budget import Bound, Severity
from slimml.gates.check import Status, check
from slimml.gates.measure import Subject
from slimml.gates.read_budgets import Origin, parse_budget, read_budgets
from slimml.inventory.take import take_inventory
from slimml.oci.media_types import Compression
from slimml.report.json import document, write


def written(table, text=""):
    return read_budgets(table, Origin("slimml.toml", "budgets", text))


def subject(*layers, named="app:new", times=(), config=None):
    image = image_of(*layers, compression=Compression.NONE, config={"config": {"User": "app", **(config or {})}})
    inventory = take_inventory(image)
    return Subject(named, inventory, find_bloat(inventory), tuple(times))


def plain(size, named="app:new", **more):
    return subject([file("app/data", b"." * size)], named=named, **more)


def outcome(table, image, against=None, **more):
    (found,) = check(written(table), image, against, **more).outcomes
    return found


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("200 MB", Unit.BYTES, Amount(200_000_000)),
        ("1.5GiB", Unit.BYTES, Amount(1.5 * (1 << 30))),
        (512, Unit.BYTES, Amount(512)),
        ("+5 %", Unit.BYTES, Amount(0.05, True)),
        ("-2%", Unit.SHARE, Amount(-0.02)),
        ("95 %", Unit.SHARE, Amount(0.95)),
        ("2.5 s", Unit.SECONDS, Amount(2.5)),
        ("250ms", Unit.SECONDS, Amount(0.25)),
        (3, Unit.COUNT, Amount(3)),
        (False, Unit.FLAG, Amount(0)),
    ],
)
def test_amounts_as_people_write_them(text, unit, amount):
    assert parse_amount(text, unit, relative=True) == amount


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"sise": 1}, "slimml.toml: budgets.sise: no such budget; did you mean 'size'?"),
        ({"size": "20 parsecs"}, "slimml.toml: budgets.size should be bytes such as '200 MB', is '20 parsecs'"),
        ({"size": "5 %"}, "budgets.size should be bytes"),
        ({"layers": 1.5}, "budgets.layers should be a whole number, is 1.5"),
        ({"layers": "many"}, "budgets.layers should be a whole number"),
        ({"root": 0}, "budgets.root should be true or false, is 0"),
        ({"efficiency": 95}, "budgets.efficiency should be a share of at most 1"),
        ({"efficiency": {"max": 1}}, "budgets.efficiency: max makes no sense of it; min does"),
        ({"size": {"most": 1}}, "budgets.size: unknown key 'most'; known: growth, link, max, min, severity"),
        ({"size": {"max": 1, "severity": "bad"}}, "budgets.size: severity should be warn or fail, is 'bad'"),
        ({"size": {"severity": "warn"}}, "budgets.size: nothing is allowed or forbidden; give max or growth"),
        ({"size": {"max": 1, "link": "x"}}, "budgets.size: link is a text, and for pull alone"),
        ({"root": {"growth": 1}}, "budgets.root: it is or it is not, and cannot grow"),
        ({"size": -1}, "budgets.size should not be below 0"),
        ({"waste": "120 %"}, "budgets.waste should be a share of at most 1"),
        ({"size": float("inf")}, "budgets.size should be bytes"),
        ({"size": [[1]]}, "budgets.size should be bytes"),
        ({"findings": {"pip-cach": 0}}, "budgets.findings.pip-cach: no such finding; did you mean pip-cache?"),
        ({"findings": 0}, "budgets.findings should be a table, is 0"),
        (7, "slimml.toml: [budgets] should be a table, is 7"),
    ],
)
def test_a_wrong_budget_is_one_line_that_names_key_and_file(table, message):
    with pytest.raises(UsageError) as error:
        written(table)
    assert message in str(error.value)
    assert str(error.value).startswith("slimml.toml: ")
    assert "\n" not in str(error.value)


def test_a_table_has_as_many_conditions_as_it_says():
    found = written({"size": {"max": "1 MB", "growth": "5 %", "severity": "warn"}, "layers": [3, {"max": 9}]})
    assert [(one.metric.name, one.bound, one.severity) for one in found] == [
        ("size", Bound.MOST, Severity.WARN),
        ("size", Bound.GROWTH, Severity.WARN),
        ("layers", Bound.MOST, Severity.FAIL),
        ("layers", Bound.MOST, Severity.FAIL),
    ]


@pytest.mark.parametrize(
    ("words", "bound"),
    [("size=1MB", Bound.MOST), ("size=+5%", Bound.GROWTH), ("efficiency=0.9", Bound.LEAST), ("root=false", Bound.MOST)],
)
def test_a_budget_of_the_command_line(words, bound):
    (found,) = parse_budget(words)
    assert (found.metric.name, found.bound, found.place.file) == (words.partition("=")[0], bound, "--budget")


def test_findings_of_the_command_line():
    (found,) = parse_budget("findings.pip-cache=false")
    assert (found.metric.rule, found.metric.unit) == ("pip-cache", Unit.FLAG)


@pytest.mark.parametrize("words", ["size", "sise=1", "size=x"])
def test_a_wrong_budget_of_the_command_line_is_named(words):
    with pytest.raises(UsageError, match=r"^--budget "):
        parse_budget(words)


@pytest.mark.parametrize(
    ("heading", "text", "line"),
    [
        ("budgets", '[budgets]\nlayers = 2\nsize = "1 MB"\n', 3),
        ("budgets", 'size = 3\n[other]\nsize = 1\n[budgets.size]\nmax = "1 MB"\n', 4),
        ("budgets", "budgets.size = 5\n", 1),
        ("tool.slimml.budgets", '[tool.x]\nsize = 1\n\n[tool.slimml.budgets]\n"size" = 5\n', 5),
        ("budgets", "# nothing\n[budgets]\n", 2),
    ],
)
def test_a_budget_knows_its_line(heading, text, line):
    (found,) = read_budgets({"size": 5}, Origin("slimml.toml", heading, text))
    assert found.place.line == line


@pytest.mark.parametrize(
    ("table", "status"),
    [
        ({"size": 5000}, Status.PASS),
        ({"size": 4999}, Status.FAIL),
        ({"size": {"max": 4999, "severity": "warn"}}, Status.WARN),
        ({"compressed": "1 MB"}, Status.PASS),
        ({"layers": 0}, Status.FAIL),
        ({"largest-layer": 100}, Status.FAIL),
        ({"efficiency": 1.0}, Status.PASS),
        ({"secrets": 0}, Status.PASS),
        ({"root": False}, Status.PASS),
        ({"waste": 0}, Status.PASS),
        ({"findings": {"safe": 0}}, Status.PASS),
    ],
)
def test_a_bound_is_held_against_the_image(table, status):
    assert outcome(table, plain(5000)).status is status


def test_what_is_allowed_needs_no_budget():
    assert written({"root": True, "findings": {"runs-as-root": True}}) == []


def test_root_and_secrets_are_found():
    image = subject(
        [file("app/.env", b"TOKEN=1"), file("app/id_rsa", b"key")], config={"User": "", "Env": ["A_TOKEN=abcdefgh1"]}
    )
    found = check(written({"root": False, "secrets": 0}), image).outcomes
    assert [(one.status, one.after) for one in found] == [(Status.FAIL, 1), (Status.FAIL, 3)]


@pytest.mark.parametrize(("allowed", "status"), [(False, Status.FAIL), ("99 B", Status.FAIL), ("100 B", Status.PASS)])
def test_findings_of_a_rule_by_presence_or_by_bytes(allowed, status):
    image = subject([file("root/.cache/pip/http-v2/a", b"." * 100)])
    assert outcome({"findings": {"pip-cache": allowed}}, image).status is status


def test_waste_may_be_a_share_of_the_image():
    image = subject([file("root/.cache/pip/http-v2/a", b"." * 100), file("app/x", b"." * 900)])
    found = outcome({"waste": "10 %"}, image)
    assert (found.status, found.allowed, found.after) == (Status.PASS, 100, 100)
    assert outcome({"waste": "9.9 %"}, image).status is Status.FAIL


@pytest.mark.parametrize(
    ("growth", "status"), [("10 %", Status.PASS), ("9 %", Status.FAIL), (100, Status.PASS), ("-1 B", Status.FAIL)]
)
def test_growth_is_held_against_the_base(growth, status):
    found = outcome({"size": {"growth": growth}}, plain(1100), plain(1000, "app:old"))
    assert (found.status, found.before, found.after) == (status, 1000, 1100)


def test_without_a_base_growth_is_not_checked_and_does_not_fail():
    verdict = check(written({"size": "+5 %"}), plain(10))
    assert (verdict.status, verdict.outcomes[0].status) == (Status.PASS, Status.UNCHECKED)


def test_strict_fails_on_what_was_not_checked_and_on_warnings():
    assert check(written({"size": "+5 %"}), plain(10), strict=True).status is Status.FAIL
    assert check(written({"size": {"max": 1, "severity": "warn"}}), plain(10), strict=True).status is Status.FAIL


def test_the_worst_outcome_is_the_verdict():
    warns = {"size": {"max": 1, "severity": "warn"}, "layers": 9}
    assert check(written(warns), plain(10)).status is Status.WARN
    assert check(written(warns | {"compressed": 1}), plain(10)).status is Status.FAIL


def estimate(value, low=None, high=None):
    return {"value": value, "low": low or value, "high": high or value, "rounds": 5 if low else 1}


def figures(name, position, seconds, ratio=None, failures=()):
    image = {"reference": name, "digest": None, "position": position}
    return {
        "image": image, "seconds": seconds, "phases": {}, "counters": {}, "ratio": ratio, "spread": 0,
        "failures": list(failures),
    }  # fmt: skip


def bench(tmp_path, *settings, name="bench.json"):
    document = {"schema": "slimml.bench/1", "summary": {"settings": list(settings), "noise": [], "remarks": []}}
    (tmp_path / name).write_text(json.dumps(document))
    return read_times(tmp_path / name)


def setting(measure, *images, link=None, page_cache=None):
    return {"measure": measure, "link": link, "page_cache": page_cache, "images": list(images)}


def test_the_slowest_pull_counts_unless_a_link_is_named(tmp_path):
    times = bench(
        tmp_path,
        setting("pull", figures("app:new", 0, estimate(2.0)), link="1gbit"),
        setting("pull", figures("app:new", 0, estimate(9.0)), link="100mbit+10ms"),
    )
    image = plain(10, times=[times])
    assert outcome({"pull": "5 s"}, image).after == 9.0
    assert outcome({"pull": {"max": "5 s", "link": "1gbit"}}, image).status is Status.PASS
    assert outcome({"pull": {"max": "5 s", "link": "5g"}}, image).status is Status.UNCHECKED


def test_a_warm_start_is_no_cold_start(tmp_path):
    times = bench(
        tmp_path,
        setting("start", figures("app:new", 0, estimate(3.0)), page_cache="dropped"),
        setting("start", figures("app:new", 0, estimate(8.0)), page_cache="warm"),
    )
    assert outcome({"cold-start": 4}, plain(10, times=[times])).after == 3.0


def test_a_time_within_its_noise_warns(tmp_path):
    times = bench(tmp_path, setting("start", figures("app:new", 0, estimate(3.1, 2.9, 3.4)), page_cache="dropped"))
    image = plain(10, times=[times])
    assert outcome({"cold-start": 3}, image).status is Status.WARN
    assert outcome({"cold-start": 2.8}, image).status is Status.FAIL
    assert outcome({"cold-start": 3.1}, image).status is Status.PASS


def test_growth_of_a_time_is_judged_by_pairs_of_rounds(tmp_path):
    after = figures("app:new", 1, estimate(3.3, 3.0, 3.6), ratio=estimate(1.1, 1.08, 1.12))
    start = setting("start", figures("app:old", 0, estimate(3.0, 2.8, 3.2)), after, page_cache="dropped")
    times = bench(tmp_path, start)
    image, base = plain(10, times=[times]), plain(10, "app:old", times=[times])
    assert outcome({"cold-start": "+5 %"}, image, base).status is Status.FAIL
    assert outcome({"cold-start": "+9 %"}, image, base).status is Status.WARN
    assert outcome({"cold-start": "+11 %"}, image, base).status is Status.PASS


def test_times_of_two_runs_are_not_held_together(tmp_path):
    one = bench(tmp_path, setting("start", figures("app:new", 0, estimate(3.0))), name="one.json")
    two = bench(tmp_path, setting("start", figures("app:old", 0, estimate(1.0))), name="two.json")
    found = outcome({"cold-start": "+5 %"}, plain(10, times=[one, two]), plain(10, "app:old", times=[one, two]))
    assert (found.status, "side by side" in found.why) == (Status.UNCHECKED, True)


def test_an_image_that_failed_to_start_is_over_its_budget(tmp_path):
    times = bench(tmp_path, setting("start", figures("app:new", 0, None, failures=["it ended with 1"])))
    found = outcome({"cold-start": 4}, plain(10, times=[times]))
    assert (found.status, found.why) == (Status.FAIL, "it ended with 1")


def test_what_bench_writes_is_what_is_read(tmp_path):
    images = [ImageFacts("app:old", "sha256:0", 0), ImageFacts("app:new", "sha256:1", 1)]
    measured = [
        Measurement(Measure.PULL, image, {"pull": 2.0 + image.position + number / 100}, link="1gbit", round=number)
        for number in range(5)
        for image in images
    ]
    with (tmp_path / "bench.json").open("w") as file_:
        write(document("bench", summary=summarize(measured)), file_)
    times = [read_times(tmp_path / "bench.json")]
    found = outcome(
        {"pull": {"growth": "20 %", "link": "1gbit"}}, plain(9, times=times), plain(8, "app:old", times=times)
    )
    assert (found.status, found.before, found.after) == (Status.FAIL, 2.02, 3.02)
    assert found.why.startswith("1gbit; 1.50 (1.49–1.50) times the base")


def test_times_of_another_image_check_nothing(tmp_path):
    times = bench(tmp_path, setting("start", figures("other:1", 0, estimate(3.0))))
    found = outcome({"cold-start": 4}, plain(10, times=[times]))
    assert found.status is Status.UNCHECKED
    assert found.why == "the documents of --bench tell of other:1, not of app:new"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "slimml.bench/2", "summary": {"settings": []}}', "[" * 9999]
)
def test_a_document_that_is_none_is_named(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match=r"x.json is no document of slimml bench --json"):
        read_times(tmp_path / "x.json")


def test_a_document_that_is_not_there(tmp_path):
    with pytest.raises(NotFound, match="slimml bench --json writes"):
        read_times(tmp_path / "x.json")
