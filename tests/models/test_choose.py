"""Which candidate is the best."""

from slimml.models.candidates.candidate import ORIGINAL, Candidate, Measured, Objective, best, front
from slimml.models.candidates.guard import Verdict

ORIGINAL_FORM = Candidate(ORIGINAL, "", measured=Measured(100, 90, 1.0, 1.0, 10, 1.0, 1.0))
RIGHT, WRONG = Verdict(True, ""), Verdict(False, "collapsed")


def form(name, size, load=1.0, latency=1.0, verdict=RIGHT, **more):
    measured = Measured(size, int(size * 0.9), load, latency, 10, load, latency)
    return Candidate(name, "compact", measured=measured, verdict=verdict, **more)


def taken(objective, *candidates):
    found = best(ORIGINAL_FORM, candidates, objective)
    return found.name if found else ORIGINAL


def test_the_smallest_that_is_right_is_taken():
    assert taken(Objective.SIZE, form("half", 50), form("int8", 25), form("int4", 15, verdict=WRONG)) == "int8"


def test_what_runs_slower_is_not_taken_for_its_size():
    assert taken(Objective.SIZE, form("half", 50), form("dynamic", 25, latency=4.0)) == "half"


def test_what_loads_soonest_is_taken_for_startup():
    assert taken(Objective.STARTUP, form("int8", 25), form("external", 100, load=0.4)) == "external"


def test_what_runs_soonest_is_taken_for_latency():
    assert taken(Objective.LATENCY, form("int8", 25), form("dynamic", 25, latency=0.5)) == "dynamic"


def test_the_original_stays_where_nothing_is_better():
    assert taken(Objective.STARTUP, form("int8", 25), form("half", 50, load=0.99)) == ORIGINAL


def test_a_larger_file_is_never_taken_for_its_size():
    assert taken(Objective.SIZE, form("optimised", 120)) == ORIGINAL


def test_what_is_smaller_on_disk_but_larger_to_pull_is_not_taken():
    packed = Candidate("compressed", "compact", measured=Measured(80, 95))
    assert taken(Objective.SIZE, packed) == ORIGINAL


def test_what_failed_is_not_taken():
    assert taken(Objective.SIZE, Candidate("int8", "compact", failed="ValueError")) == ORIGINAL


def test_the_front_holds_what_no_other_beats():
    found = front([ORIGINAL_FORM, form("half", 50), form("int8", 25), form("dynamic", 25, latency=0.5)])
    assert found == {"dynamic"}
