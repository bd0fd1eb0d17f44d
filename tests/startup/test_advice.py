"""What the notes of a start say to do about it."""

from slimml.bench.page_cache import Coldness, Cooling
from slimml.bench.start import StartPhases
from slimml.startup.advice import Settings, Topic, advise
from slimml.startup.notes import Notes, Span
from slimml.startup.processes import Seen
from slimml.startup.profile import StartProfile
from slimml.startup.touched import Touched

PLAIN = Settings(("python", "app.py"), {})


def profile_of(*spans, facts=None, seen=None):
    start = StartPhases("work", {"ready": 100.0}, Cooling(Coldness.WARM), 0.0)
    notes = Notes(spans=spans, facts=facts or {})
    return StartProfile(start, (), (), (), (), Touched(0, 0, ()), notes, seen, None, None)


def span(number, kind, begin, end, name="", where="/app.py:3", detail=""):
    return Span(1, 1, number, 0, kind, name, begin, end, 0.0, where, detail)


def topics(profile, settings=PLAIN):
    return [one.topic for one in advise(profile, settings)]


def test_a_start_that_is_quick_gets_no_advice():
    assert topics(profile_of()) == []


def test_many_compiled_modules_are_missing_bytecode():
    (found,) = advise(profile_of(*(span(n, "compile", n, n + 0.01, f"/m{n}.py") for n in range(6))), PLAIN)
    assert (found.topic, round(found.seconds, 3)) == (Topic.BYTECODE, 0.06)


def test_a_program_of_its_own_without_bytecode_is_left_alone():
    assert topics(profile_of(span(1, "compile", 0, 0.5, "/app.py"))) == []


def test_a_model_out_of_memory_is_named():
    detail = "form=bytes size=3000000 optimization=ORT_DISABLE_ALL"
    (found,) = advise(profile_of(span(1, "model", 0, 1, detail=detail)), PLAIN)
    assert found.topic is Topic.MODEL_BYTES
    assert "3.0 MB" in found.title


def test_a_session_that_optimises_at_each_start_is_named():
    detail = "form=path size=3 optimization=ORT_ENABLE_ALL threads=0"
    assert topics(profile_of(span(1, "model", 0, 1, "/m.onnx", detail=detail))) == [Topic.ONNX_OPTIMISED]


def test_a_session_that_does_not_is_left_alone():
    detail = "form=path size=3 optimization=ORT_DISABLE_ALL threads=0"
    assert topics(profile_of(span(1, "model", 0, 1, "/m.onnx", detail=detail))) == []


def test_waits_for_one_host_are_one_piece_of_advice():
    spans = (span(1, "dns", 0, 0.2, "db"), span(2, "dns", 1, 1.2, "db"), span(3, "connect", 2, 2.1, "db:5"))
    found = [(one.topic, round(one.seconds, 2)) for one in advise(profile_of(*spans), PLAIN)]
    assert found == [(Topic.NETWORK, 0.4), (Topic.NETWORK, 0.1)]


def test_those_who_call_us_are_not_waited_for():
    assert topics(profile_of(span(1, "receive", 0, 5, detail="inbound"))) == []


def test_a_shell_before_the_program_is_named():
    assert topics(profile_of(), Settings(("/bin/sh", "-c", "python app.py"), {})) == [Topic.SHELL]


def test_a_script_before_the_program_is_named():
    assert topics(profile_of(), Settings(("/entrypoint.sh", "python"), {})) == [Topic.SHELL]


def test_more_threads_than_processors_are_named():
    seen = Seen(1.0, 0, 0, 40, ())
    assert Topic.THREADS in topics(profile_of(seen=seen), Settings((), {"MALLOC_ARENA_MAX": "2"}, cpus=2.0))


def test_the_limit_of_the_container_counts_not_the_machine():
    seen = Seen(1.0, 0, 0, 12, ())
    assert Topic.THREADS in topics(profile_of(facts={"limit": "1.0", "processors": "64"}, seen=seen))


def test_variables_are_hints_and_come_last():
    seen = Seen(1.0, 0, 0, 12, ())
    found = advise(profile_of(span(1, "sleep", 0, 1), facts={"processors": "64"}, seen=seen), PLAIN)
    assert [(one.topic, one.hint) for one in found] == [(Topic.SLEEP, False), (Topic.ENVIRONMENT, True)]


def test_what_is_set_already_is_no_hint():
    seen = Seen(1.0, 0, 0, 12, ())
    assert topics(profile_of(facts={"processors": "64", "MALLOC_ARENA_MAX": "1"}, seen=seen)) == []
