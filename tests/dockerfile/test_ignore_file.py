"""What .dockerignore leaves out, as Docker's documentation and moby's tests say."""

import pytest

from slimml.dockerfile.ignore_file import parse_ignore


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "docs/README.md", True),
        ("**/*.md", "README.md", True),
        ("*/temp*", "a/temporary.txt", True),
        ("*/temp*", "a/b/temporary.txt", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        (".git", ".git/objects/ab/cd", True),
        ("/build/", "build/x", True),
        ("docs\n!docs/keep.md", "docs/keep.md", False),
        ("!docs/keep.md\ndocs", "docs/keep.md", True),
        ("docs\n!docs/keep.md", "docs/other.md", True),
        ("# comment\n\n*.log", "x.log", True),
        ("**", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/b", True),
        ("[a-c].txt", "b.txt", True),
        ("[a-c].txt", "d.txt", False),
        ("\\*.txt", "*.txt", True),
        ("\\*.txt", "a.txt", False),
        (".", "a", False),
        ("[", "[", False),
        ("../x", "x", False),
    ],
)
def test_a_pattern(patterns, path, ignored):
    assert parse_ignore(patterns).matches(path) is ignored
