"""Variables: BuildKit's substitutions, and what ARG and ENV set in which stage."""

import pytest

from slimml.dockerfile.document import parse
from slimml.dockerfile.variables import Environment, environments, expand, expand_words, names_in, scopes

SET = Environment({"A": "one", "EMPTY": "", "S": "foobarbaz", "P": "/a/b/c.tar.gz", "UNKNOWN": None}, closed=True)
EXPANDED = [
    ("$A", "one"), ("${A}", "one"), ("x${A}y", "xoney"), ("$NONE", ""), ("${NONE}", ""), ("\\$A", "$A"), ("'$A'", "$A"),
    ('"$A b"', "one b"), ("${NONE:-d}", "d"), ("${NONE-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""),
    ("${A:-d}", "one"), ("${A:+set}", "set"), ("${NONE:+set}", ""), ("${EMPTY+set}", "set"), ("${EMPTY:+set}", ""),
    ("${NONE:-${A}}", "one"), ("${S#f*b}", "arbaz"), ("${S##f*b}", "az"), ("${S%b*}", "foobar"), ("${S%%b*}", "foo"),
    ("${S/ba/fo}", "fooforbaz"), ("${S//ba/fo}", "fooforfoz"), ("${P%.gz}", "/a/b/c.tar"), ("${P##*/}", "c.tar.gz"),
    ("${S#?}", "oobarbaz"), ("${A?must be}", "one"), ("a\\ b", "a b"), ("$", "$"), ('"\\n"', "\\n"), ("é$A", "éone"),
    ("${A:-}}", "one}"), ("${UNKNOWN:+x}", None), ("$UNKNOWN", None), ("${NONE?must be}", None), ("${}", None),
    ("'", None), ("${A:=x}", None), ("${A", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), EXPANDED, ids=[text for text, _ in EXPANDED])
def test_a_word_is_expanded_as_in_buildkit(text, value):
    assert expand(text, SET) == value


def test_the_escape_of_the_file_escapes():
    assert expand("`$A\\$A", SET, "`") == "$A\\one"


def test_quotes_keep_words_together():
    assert expand_words("a 'b c' $A d\\ e", SET) == ("a", "b c", "one", "d e")


def test_another_name_may_come_from_the_base_image():
    assert expand("$PATH", Environment({}, closed=False)) is None


def test_the_names_that_a_word_asks_for_are_told():
    assert names_in("$A ${B:-$C} '$D' \\$E") == ("A", "C", "B")


def values_before(text, line, name):
    document = parse(text.encode())
    (found,) = (
        scope for one, scope in zip(document.instructions, scopes(document), strict=True) if one.line == line
    )  # fmt: skip
    return found.environment.values.get(name, "not set")


def test_a_global_argument_is_seen_by_from():
    assert values_before("ARG V=1\nFROM a:$V\n", 2, "V") == "1"


def test_a_global_argument_is_not_seen_in_a_stage():
    assert values_before("ARG V=1\nFROM a\nRUN x\n", 3, "V") == "not set"


def test_a_global_argument_that_is_declared_again_has_its_value():
    assert values_before("ARG V=1\nFROM a\nARG V\nRUN x\n", 4, "V") == "1"


def test_an_argument_without_a_default_is_not_known():
    assert values_before("FROM a\nARG V\nRUN x\n", 3, "V") is None


def test_env_wins_over_arg():
    assert values_before("FROM a\nENV V=env\nARG V=arg\nRUN x\n", 4, "V") == "env"


def test_env_of_one_line_sees_what_was_before_the_line():
    assert values_before("FROM a\nENV A=1\nENV A=2 B=$A\nRUN x\n", 4, "B") == "1"


def test_a_stage_has_env_of_the_stage_that_it_builds_on():
    assert values_before("FROM a AS x\nENV V=1\nFROM X\nRUN x\n", 4, "V") == "1"


def test_a_stage_has_no_arg_of_the_stage_that_it_builds_on():
    assert values_before("FROM a AS x\nARG V=1\nFROM x\nRUN x\n", 4, "V") == "not set"


def test_a_platform_argument_is_known_to_the_build_alone():
    assert values_before("FROM a\nARG TARGETARCH\nRUN x\n", 3, "TARGETARCH") is None


def test_a_build_argument_wins_over_a_default():
    document = parse(b"FROM a\nARG V=1\nRUN x\n")
    assert scopes(document, {"V": "2"})[2].environment.values["V"] == "2"


def test_shell_holds_for_the_stages_that_build_on_it():
    document = parse(b'FROM a AS x\nSHELL ["/bin/bash", "-c"]\nFROM x\nRUN y\nFROM b\nRUN z\n')
    assert [scopes(document)[at].shell[0] for at in (3, 5)] == ["/bin/bash", "/bin/sh"]


def test_no_argument_is_in_a_container():
    document = parse(b"FROM scratch\nARG A=1\nENV B=$A\n")
    assert environments(document)[0].values == {"PATH": None, "B": "1"}


@pytest.mark.parametrize(
    "last",
    [
        "$A$A",
        "${A//x/xxxxxxxx}",
        "${A##*a*a*a*a*a*a*a*b}",
        "${A%%*a*a*a*a*a*a*a*b}",
        "${A/*a*a*a*a*a*a*a*b/c}",
    ],
)
def test_what_would_take_too_long_to_find_is_not_known(last):
    document = parse(b"FROM base\nENV A=xxxxxxxx\n" + b"ENV A=$A$A\n" * 12 + f"ENV B={last}\n".encode() * 2)
    (found,) = environments(document)
    assert len(found.values["A"]) == 8 << 12
    assert expand("$B$B$B", found) is None


def test_values_that_double_end_as_not_known():
    (found,) = environments(parse(b"FROM base\nENV A=xxxxxxxx\n" + b"ENV A=$A$A\n" * 60))
    assert found.values["A"] is None
