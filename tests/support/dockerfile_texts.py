"""Strategies that make Dockerfiles: valid by construction in their frame, wild in what stands within it."""

import json

from hypothesis import strategies as st

WORDS = st.sampled_from(
    ["a", "b.txt", "/srv", "pip", "install", "numpy==1.26", "--no-cache-dir", "$HOME", "${X}", "${X:-y z}", "'q r'",
     '"s t"', "x\\ y", "\\\\", "`", "#", "a#b", "é", "\u00a0", "=", "k=v", 'k="v w"', "k='v", "[", "&&", "||", ";",
     "|", ">", "<", "<file", "2>&1", "$(date)", "{", "}", "*", "?", "~", "!", "-", "--", "--x", "--from=a", "\\", "''"]
)  # fmt: skip
GAPS = st.sampled_from([" ", "  ", "\t", " \t ", "\v", "\f"])
COMMENTS = st.sampled_from(["# a comment", "  # indented \\", "#", "\t#x=y", "#escape=`", "# RUN not this"])
BLANKS = st.sampled_from(["", "  ", "\t"])


@st.composite
def word_lists(draw, least=1, most=6):
    words = draw(st.lists(WORDS, min_size=least, max_size=most))
    return "".join(word + draw(GAPS) for word in words)


@st.composite
def json_lists(draw):
    items = draw(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=1, max_size=4)
    )
    return json.dumps(items, ensure_ascii=draw(st.booleans()))


FLAGS = st.lists(
    st.sampled_from(
        ["--from=build", "--chown=1:1", "--platform=$BUILDPLATFORM", "--mount=type=cache,target=/root/.cache", "--link",
         '--chmod="7 5"', "--interval=3s", "--x\\ y=z", "--mount=type=bind,source='a b'"]
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def bodies(draw):
    """An instruction on one logical line, without heredocs."""
    kind = draw(st.sampled_from(
        ["RUN", "run", "COPY", "ADD", "CMD", "ENTRYPOINT", "ENV", "LABEL", "ARG", "WORKDIR", "USER", "EXPOSE", "VOLUME",
         "STOPSIGNAL", "HEALTHCHECK", "SHELL", "MAINTAINER", "ONBUILD RUN", "ONBUILD COPY", "onbuild  env"]
    ))  # fmt: skip
    flags = "".join(flag + " " for flag in draw(FLAGS))
    name = kind.split()[-1].upper()
    if name == "SHELL":
        return f"{kind} {draw(json_lists())}"
    if name in ("RUN", "CMD", "ENTRYPOINT", "VOLUME") and draw(st.booleans()):
        return f"{kind} {flags}{draw(json_lists())}"
    if name in ("ENV", "LABEL") and draw(st.booleans()):
        pairs = draw(st.lists(st.sampled_from(["a=b", 'c="d e"', "f='g h'", "i=j\\ k", "l=$m", "n="]), min_size=1))
        return f"{kind} {' '.join(pairs)}"
    if name == "HEALTHCHECK":
        return f"{kind} {flags}CMD {draw(word_lists())}"
    if name in ("COPY", "ADD"):
        return f"{kind} {flags}{draw(word_lists(2))}"
    return f"{kind} {flags}{draw(word_lists())}"


@st.composite
def continued(draw, text, escape):
    """The text broken over lines, with comments and blank lines between them."""
    lines, rest = [], text
    while " " in rest and draw(st.integers(0, 3)) == 0:
        at = draw(st.sampled_from([i for i, char in enumerate(rest) if char == " "]))
        # An escape before the break would be an escaped escape.
        if rest[:at].endswith(escape):
            break
        lines += [rest[:at] + draw(st.sampled_from([" ", ""])) + escape + draw(st.sampled_from(["", " ", "\t"]))]
        lines += draw(st.lists(st.one_of(COMMENTS, BLANKS), max_size=2))
        rest = rest[at:]
    return [*lines, rest]


@st.composite
def heredoc_lines(draw):
    name = draw(st.sampled_from(["EOF", "E_1", "'EOF'", '"END"', "$X"]))
    dash = draw(st.sampled_from(["", "-"]))
    frame = draw(
        st.sampled_from(["RUN {}", "RUN cat {} > /x", "COPY {} /etc/x", "ADD {} /y", "ONBUILD RUN {}", "run sh {}"])
    )
    content = draw(
        st.lists(st.sampled_from(["x", "\tindented", "# no comment", "FROM y", "", "  EOF", "a \\"]), max_size=4)
    )
    end = ("\t" if dash and draw(st.booleans()) else "") + name.strip("'\"")
    return [frame.format(f"<<{dash}{name}"), *content, end]


@st.composite
def dockerfiles(draw):
    """The bytes of a whole file."""
    escape = draw(st.sampled_from(["\\", "\\", "`"]))
    lines = draw(st.sampled_from([[], ["# syntax=docker/dockerfile:1"]]))
    lines = lines + ([f"# escape={escape}"] if escape == "`" or draw(st.booleans()) else [])
    lines = lines + draw(st.lists(st.one_of(COMMENTS.filter(lambda line: "=" not in line), BLANKS), max_size=2))
    lines += draw(
        st.sampled_from([["FROM python:3.11"], ["ARG V=1", "FROM  a:$V AS b"], ["from --platform=x a as b "]])
    )
    for _ in range(draw(st.integers(0, 6))):
        which = draw(st.integers(0, 5))
        if which == 0:
            lines.append(draw(st.one_of(COMMENTS, BLANKS)))
        elif which == 1:
            lines += draw(heredoc_lines())
        else:
            indent = draw(st.sampled_from(["", "", "  ", "\t"]))
            lines += draw(continued(indent + draw(bodies()), escape))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = newline.join(lines) + draw(st.sampled_from([newline, "", newline * 2]))
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()
