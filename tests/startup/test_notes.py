"""What the lent module writes is read line by line, and what cannot be read is passed over."""

from slimml.startup.notes import read_notes

PROCESS = "P\t7\t0\t0\t2000000000\t50000000\t3.11.2"


def stream(*lines):
    return ("\n".join(lines) + "\n").encode()


def test_a_span_is_read_in_seconds():
    found = read_notes([stream(PROCESS, "S\t1\t0\t9\timport\t2000000000\t2500000000\t0\t100000000\tjson\t/x.py\t")])
    (span,) = found.spans
    assert (span.name, span.begin, span.end, span.cpu, span.where) == ("json", 2.0, 2.5, 0.1, "/x.py")


def test_a_span_that_did_not_end_has_no_end():
    found = read_notes([stream(PROCESS, "O\t1\t0\t9\timport\t2000000000\t0\tapp\t")])
    assert found.spans[0].end is None


def test_an_end_replaces_the_open_span():
    lines = ["O\t1\t0\t9\timport\t1\t0\tapp\t", "S\t1\t0\t9\timport\t1\t5\t0\t0\tapp\t/app.py\t"]
    assert [span.end for span in read_notes([stream(PROCESS, *lines)]).spans] == [5e-9]


def test_processes_are_told_apart():
    lines = stream(PROCESS, "S\t1\t0\t9\tsleep\t1\t5\t0\t0\t\t\t")
    assert [span.process for span in read_notes([lines, lines]).spans] == [1, 2]


def test_a_line_that_was_cut_off_is_passed_over():
    found = read_notes([stream(PROCESS) + b"S\t1\t0\t9\timport\t20000"])
    assert (len(found.processes), found.spans) == (1, ())


def test_a_file_is_opened_when_it_was_first():
    found = read_notes([stream(PROCESS, "F\t5000000000\t/a", "F\t3000000000\t/a")])
    assert found.opened == {"/a": 3.0}
