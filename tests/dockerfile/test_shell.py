"""The shell within instructions: commands, words and operators, each in its place in the file."""

from pathlib import Path

import pytest

from slimml.dockerfile.document import parse
from slimml.dockerfile.edit import Edit, apply
from slimml.dockerfile.shell import read_shell
from slimml.dockerfile.variables import Environment, scopes

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.Dockerfile"))


def script_of(run, values=None, **kept):
    document = parse(b"FROM a\n" + run.encode() + b"\n")
    return read_shell(document, document.instructions[1], Environment(values or {}, closed=False), **kept)


def told(script):
    return [(one.operator, *one.values) for one in script.commands]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_words_stand_where_they_say(path):
    document = parse(path.read_bytes())
    for one, scope in zip(document.instructions, scopes(document), strict=True):
        script = read_shell(document, one, scope.environment, scope.shell)
        for command in script.commands if script else ():
            for word in command.words:
                there = word.span.of(document.data).decode()
                assert there == word.raw or "\n" in there


def test_a_chain_has_its_commands_in_order():
    assert told(script_of("RUN a b && c | d || e; f & g")) == [
        ("", "a", "b"), ("&&", "c"), ("|", "d"), ("||", "e"), (";", "f"), ("&", "g"),
    ]  # fmt: skip


def test_continuations_and_comments_are_not_there_for_the_shell():
    script = script_of("RUN apt-get update && \\\n  # why\n  apt-get \\\n\n  install -y gcc")
    assert told(script) == [("", "apt-get", "update"), ("&&", "apt-get", "install", "-y", "gcc")]


@pytest.mark.parametrize(
    ("word", "value"),
    [("'a b'", "a b"), ('"a b"', "a b"), ("a\\ b", "a b"), ("a'b'\"c\"", "abc"), ("$V", "1"), ("x${V}", "x1"),
     ('"$W"', "two words"), ("$W", None), ("$(id)", None), ("`id`", None), ("$X", None), ("{a,b}", None), ("~/x", None),
     ('"\\$V"', "$V"), ("'$V'", "$V"), ("${V:-x}", None), ("''", "")],
)  # fmt: skip
def test_a_word_has_a_value_where_one_is_known(word, value):
    assert script_of(f"RUN c {word}", {"V": "1", "W": "two words"}).commands[0].words[1].value == value


def test_a_pattern_is_told():
    assert [word.pattern for word in script_of("RUN pip install x.whl *.whl '*'").commands[0].words] == [
        False, False, False, True, False,
    ]  # fmt: skip


def test_a_variable_that_the_script_sets_has_no_known_value():
    assert script_of("RUN V=2; c $V", {"V": "1"}).commands[1].words[1].value is None


def test_a_variable_that_the_script_reads_has_no_known_value():
    assert script_of("RUN read -r U V; c $V", {"V": "1"}).commands[1].words[1].value is None


def test_redirections_belong_to_the_last_command():
    script = script_of("RUN a && b > /x 2>&1")
    assert [[one.operator for one in command.redirections] for command in script.commands] == [[], [">", "2>&"]]


def test_assignments_are_no_words():
    (command,) = script_of("RUN A=1 B= pip install x").commands
    assert ([(one.name, one.value and one.value.value) for one in command.assignments], command.name) == (
        [("A", "1"), ("B", None)], "pip",
    )  # fmt: skip


def test_commands_within_compounds_say_where_they_are():
    script = script_of("RUN if a; then b; fi; (c); { d; }; for i in 1; do e; done; f $(g) && ! h")
    assert {one.name: one.within for one in script.commands} == {
        "a": ("if",), "b": ("if",), "c": ("subshell",), "d": ("group",), "e": ("for",), "f": (),
        "g": ("substitution",), "h": ("not",),
    }  # fmt: skip


def test_the_script_of_a_nested_shell_is_read():
    assert [(one.name, one.within) for one in script_of("RUN bash -c 'a && b'").commands] == [
        ("bash", ()), ("a", ("script",)), ("b", ("script",)),
    ]  # fmt: skip


def test_the_exec_form_is_one_command():
    script = script_of('RUN ["pip", "install", "a b"]')
    assert (script.exec_form, told(script)) == (True, [("", "pip", "install", "a b")])


def test_the_exec_form_of_a_shell_has_a_script():
    assert [one.name for one in script_of('RUN ["sh", "-c", "a && b"]').commands] == ["sh", "a", "b"]


def test_a_heredoc_alone_is_the_script():
    assert told(script_of("RUN <<-EOF\n\ta\n\tb c\nEOF")) == [("", "a"), (";", "b", "c")]


def test_a_heredoc_for_another_interpreter_is_no_script():
    assert script_of("RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF") is None


def test_a_heredoc_is_input_of_its_command():
    assert told(script_of("RUN python3 x <<EOF && b\nimport sys\nEOF")) == [("", "python3", "x"), ("&&", "b")]


def test_a_script_of_which_the_grammar_loses_a_word_is_not_sound():
    assert not script_of("RUN python3 - <<EOF && b\nimport sys\nEOF").sound


def test_another_shell_is_not_read():
    assert script_of("RUN Get-Item x", shell=("powershell", "-Command")) is None


def test_a_shell_within_an_environment_is_read():
    assert script_of("RUN pip install x", shell=("conda", "run", "-n", "ml", "/bin/bash", "-c")) is not None


def test_what_the_grammar_cannot_read_is_not_sound():
    assert not script_of("RUN if a; then").sound


def test_the_command_of_a_healthcheck_is_read():
    assert told(script_of("HEALTHCHECK --interval=3s CMD curl -f x || exit 1")) == [
        ("", "curl", "-f", "x"), ("||", "exit", "1"),
    ]  # fmt: skip


def test_onbuild_is_read():
    assert told(script_of("ONBUILD RUN a b")) == [("", "a", "b")]


@pytest.mark.parametrize(
    ("run", "removed", "left"),
    [
        ("RUN a && \\\n  # why\n  b && \\\n  c", 1, "RUN a && \\\n  c"),
        ("RUN a && b", 0, "RUN b"),
        ("RUN a && b", 1, "RUN a"),
        ("RUN a; b; c", 1, "RUN a; c"),
    ],
)
def test_a_link_of_a_chain_can_be_removed(run, removed, left):
    document = parse(b"FROM x\n" + run.encode() + b"\n")
    script = read_shell(document, document.instructions[1])
    span = script.removal(script.links[removed])
    assert apply(document, [Edit(span, b"")]).decode() == f"FROM x\n{left}\n"


@pytest.mark.parametrize("run", ["RUN a", "RUN a | b", "RUN a || b"])
def test_a_link_that_others_hang_on_cannot_be_removed(run):
    script = script_of(run)
    assert [script.removal(link) for link in script.links] == [None] * len(script.links)


def test_and_chains_are_told_from_others():
    assert [script_of(run).is_and_chain for run in ("RUN a && b", "RUN a; b", "RUN a && (b)")] == [True, False, False]


def test_deep_nesting_is_not_followed_for_ever():
    assert not script_of("RUN " + "(" * 2000 + "a" + ")" * 2000).sound
