"""Files that builders refuse are refused by us, in one line that names the line of the file."""

import pytest

from slimml.dockerfile.document import parse
from slimml.errors import InvalidDockerfile

REFUSED = [
    (b"", 1, "no instructions"),
    (b"# only a comment\n\n", 2, "no instructions"),
    (b"FROM a\nFOO bar\n", 2, "FOO is no instruction"),
    (b"FROM a\n\\\n", 2, "no instruction"),
    (b"RUN x\n", 1, "before the first FROM"),
    (b"ARG A\n", 1, "no FROM"),
    (b"FROM\n", 1, "FROM takes"),
    (b"FROM a b\n", 1, "FROM takes"),
    (b"FROM a AS 1x\n", 1, "no name for a stage"),
    (b"FROM a\nRUN\n", 2, "RUN needs"),
    (b"FROM a\nCOPY a\n", 2, "COPY needs"),
    (b"FROM a\nENV a\n", 2, "ENV must have two arguments"),
    (b"FROM a\nENV a=b c\n", 2, "no = in"),
    (b"FROM a\nENV =b\n", 2, "without a name"),
    (b"FROM a\nCMD [1]\n", 2, "nothing but strings"),
    (b"FROM a\nSHELL bash\n", 2, "JSON array"),
    (b"FROM a\nHEALTHCHECK PING\n", 2, "CMD or NONE"),
    (b"FROM a\nHEALTHCHECK CMD\n", 2, "needs a command"),
    (b"FROM a\nONBUILD\n", 2, "ONBUILD needs"),
    (b"FROM a\nONBUILD FROM b\n", 2, "ONBUILD FROM is not allowed"),
    (b"FROM a\nONBUILD FOO\n", 2, "FOO is no instruction"),
    (b"FROM a\n\nRUN <<EOF\nx\nEO\n", 3, "heredoc EOF has no end"),
    (b"FROM a\nRUN (( x = 1<<2 ))\n", 2, "heredoc 2 has no end"),
    (b"FROM a\nRUN x=$(( 1 <<2 ))\n", 2, "heredoc 2 has no end"),
    (b"FROM a\nRUN echo hi # <<EOF\n", 2, "heredoc EOF has no end"),
    (b"# escape=x\nFROM a\n", 1, "escape character"),
    (b"# escape=`\n# escape=`\nFROM a\n", 2, "only once"),
    (b"FROM a\nRUN " + b"x" * 70_000 + b"\n", 2, "builders read"),
    (b"FROM a\n" + b"RUN x\n" * 2000, 2001, "more than 2,000 instructions"),
]


@pytest.mark.parametrize(("data", "line", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
def test_it_is_refused_with_its_line(data, line, words):
    with pytest.raises(InvalidDockerfile) as refusal:
        parse(data)
    assert refusal.value.line == line
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08\x1b[2J" + b"x" * 500, b"FROM a\nRUN <<\x1b[2J\nx\n"])
def test_a_refusal_is_one_short_line_whatever_the_file_says(data):
    with pytest.raises(InvalidDockerfile) as refusal:
        parse(data)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "line",
    ["CMD cat <<EOF", 'RUN ["cat", "<<EOF"]', "RUN echo '<<EOF'", "RUN cat <file<<EOF", "RUN cat <<<word",
     "ENV a=<<EOF", "RUN echo \\<<EOF"],
)  # fmt: skip
def test_what_looks_like_a_heredoc_is_none(line):
    (_, found) = parse(b"FROM a\n" + line.encode() + b"\n").instructions
    assert found.heredocs == ()


def test_a_heredoc_may_have_space_before_its_name():
    (_, found) = parse(b"FROM a\nRUN cat << EOF\nx\nEOF\n").instructions
    assert [doc.name for doc in found.heredocs] == ["EOF"]


def test_an_array_with_words_behind_it_is_the_shell_form():
    (_, found) = parse(b'FROM a\nCMD ["a"] b\n').instructions
    assert not found.json


def test_a_directive_behind_a_comment_is_a_comment():
    document = parse(b"# hello\n# escape=`\nFROM a\n")
    assert (document.directives, document.escape) == ((), "\\")


def test_directives_are_read_in_any_order():
    document = parse(b"#syntax=x\n# ESCAPE = `\n# check=skip=all\nFROM a\n")
    assert [(one.name, one.value) for one in document.directives] == [
        ("syntax", "x"), ("escape", "`"), ("check", "skip=all"),
    ]  # fmt: skip
