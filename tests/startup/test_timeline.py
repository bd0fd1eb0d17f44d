"""Every moment of a start belongs to one phase, and all of them are the whole."""

from itertools import pairwise

import pytest

from slimml.bench.page_cache import Coldness, Cooling
from slimml.bench.start import StartPhases
from slimml.startup.notes import Notes, Process, Span
from slimml.startup.timeline import timeline

PHASES = StartPhases(
    "work",
    {"create": 0.1, "start": 0.2, "process": 0.1, "ready": 3.0, "first answer": 0.6},
    Cooling(Coldness.WARM),
    began=10.0,
)
"""the program runs from 10.4 on, is ready at 13.4, has answered at 14"""
PYTHON = Process(1, 0, None, 10.5, 0.05, "3.11.2")


def span(number, kind, begin, end, within=0, process=1, thread=1, cpu=0.0, **more):
    return Span(process, thread, number, within, kind, kind, begin, end, cpu, **more)


def seconds(*spans, processes=(PYTHON,), total_cpu=None):
    found = {}
    for one in timeline(PHASES, Notes(processes, spans), total_cpu):
        found[one.label] = found.get(one.label, 0.0) + one.seconds
    return found


def test_the_phases_add_up_to_the_start():
    found = seconds(span(1, "import", 10.6, 12), span(2, "sleep", 11, 11.5, 1), span(3, "inference", 13.5, 13.6))
    assert sum(found.values()) == pytest.approx(PHASES.seconds)


def test_segments_neither_overlap_nor_leave_gaps():
    spans = (span(1, "import", 10.6, 12), span(2, "model", 11, 11.5, 1), span(1, "import", 11.2, 12.5, process=2))
    found = timeline(PHASES, Notes((PYTHON,), spans))
    assert all(one.end == pytest.approx(two.begin) for one, two in pairwise(found))


def test_of_nested_spans_the_inner_one_has_the_time():
    found = seconds(span(1, "import", 10.6, 12), span(2, "model", 11, 11.5, 1))
    assert (found["imports"], found["model load"]) == (pytest.approx(0.9), pytest.approx(0.5))


def test_a_program_of_which_nothing_is_known_is_unexplained():
    found = seconds(processes=())
    assert found["unexplained"] == pytest.approx(3.0)


def test_time_before_python_is_the_interpreter_s():
    assert seconds()["interpreter"] == pytest.approx(0.1)


def test_a_shell_that_started_python_is_the_entrypoint():
    child = Process(7, 1, 10.9, 11.0, 0.05, "3.11.2")
    found = seconds(processes=(child,))
    assert (found["entrypoint"], found["interpreter"]) == (pytest.approx(0.5), pytest.approx(0.1))


def test_the_first_call_of_a_model_is_told_from_others():
    found = seconds(span(1, "inference", 13.5, 13.6), span(2, "inference", 13.7, 13.9))
    assert (found["first inference"], found["further inference"]) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_thread_that_sleeps_hides_no_work_of_another():
    found = seconds(span(1, "sleep", 11, 13), span(2, "model", 11.5, 12.5, thread=2))
    assert (found["sleep"], found["model load"]) == (pytest.approx(1.0), pytest.approx(1.0))


def test_waiting_for_those_who_call_us_is_no_phase():
    assert "network" not in seconds(span(1, "receive", 12, 13, detail="inbound"))


def test_time_from_listening_to_being_seen_ready_is_told():
    assert seconds(span(1, "listen", 13.3, 13.3))["until seen ready"] == pytest.approx(0.1)


def test_a_span_that_goes_on_ends_with_the_start():
    assert seconds(span(1, "import", 13.9, None))["imports"] == pytest.approx(0.1)


def test_what_the_program_did_before_the_engine_s_call_returned_is_the_program_s():
    early = Process(1, 0, None, 10.2, 0.05, "3.11.2")
    found = seconds(span(1, "import", 10.25, 10.35), processes=(early,))
    assert (found["start"], found["imports"]) == (pytest.approx(0.05), pytest.approx(0.1))


def test_processor_time_that_no_span_explains_is_told_as_such():
    found = timeline(PHASES, Notes((PYTHON,), (span(1, "import", 10.6, 12, cpu=1.0),)), total_cpu=1.8)
    rest = sum(one.cpu for one in found if one.label == "unexplained")
    assert rest == pytest.approx(0.75)
