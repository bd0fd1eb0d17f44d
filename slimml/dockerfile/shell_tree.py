"""From the syntax tree of tree-sitter-bash to links and commands with their places in the Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_bash

from slimml.dockerfile.shell import Assignment, Command, Link, Redirection, ShellWord
from slimml.dockerfile.spans import Logical, Span, decode
from slimml.dockerfile.unquote import unquote

if TYPE_CHECKING:
    from slimml.dockerfile.variables import Environment

_OPERATORS = frozenset({"&&", "||", ";", "|", "|&", "&", "\n", ";;"})
_COMPOUNDS = {
    "subshell": "subshell",
    "compound_statement": "group",
    "if_statement": "if",
    "elif_clause": "if",
    "else_clause": "if",
    "for_statement": "for",
    "c_style_for_statement": "for",
    "while_statement": "while",
    "case_statement": "case",
    "function_definition": "function",
    "command_substitution": "substitution",
    "process_substitution": "substitution",
    "negated_command": "not",
}
_SIMPLE = frozenset(
    {"command", "declaration_command", "unset_command", "test_command", "variable_assignment", "variable_assignments"}
)
_CHAINS = frozenset({"list", "pipeline"})
_REDIRECTIONS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_WHOLE = frozenset({"string", "heredoc_body", "expansion", "arithmetic_expansion", "test_command", "regex"})
"""Nodes whose inner bytes need not all have a node of their own."""

_GAP = re.compile(rb"(?:\s|\\\r?\n)*")
DEEPEST = 200
"""Levels of nesting that are followed; a script with more is not sound."""


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def read_tree(text: Logical, environment: Environment, within: tuple[str, ...]) -> tuple[tuple[Link, ...], bool]:
    """The chain of links that `text` is, and whether the grammar could read all of it."""
    root = _parser().parse(text.data).root_node
    reader = _Reader(text, environment)
    links = tuple(reader.links(root, within, 0))
    return links, not root.has_error and not reader.too_deep and _covers(root, text.data)


def _covers(root: tree_sitter.Node, data: bytes) -> bool:
    """Whether every byte that is no white space is in the tree: the grammar loses words beside some heredocs, and
    does not call it an error."""
    waiting, spans = [root], []
    while waiting:
        node = waiting.pop()
        if node.child_count and node.type not in _WHOLE:
            waiting += node.children
        else:
            spans.append((node.start_byte, node.end_byte))
    at = 0
    for start, end in sorted(spans):
        if _GAP.fullmatch(data, at, max(at, start)) is None:
            return False
        at = max(at, end)
    return _GAP.fullmatch(data, at) is not None


class _Reader:
    def __init__(self, text: Logical, environment: Environment) -> None:
        self.text, self.environment, self.too_deep = text, environment, False

    def span(self, node: tree_sitter.Node) -> Span:
        return self.text.span(node.start_byte, node.end_byte)

    def links(self, node: tree_sitter.Node, within: tuple[str, ...], depth: int) -> Iterator[Link]:
        """The links of a chain: statements of `node`, with the operators between them."""
        operator, place = "", None
        if depth > DEEPEST:
            self.too_deep = True
            return
        for child in node.children:
            if child.type in _OPERATORS:
                operator, place = child.type, self.span(child)
                continue
            for at, link in enumerate(self.statement(child, within, depth + 1)):
                if at == 0 and not link.operator:
                    link = _joined(link, operator or ("" if operator == "" and place is None else ";"), place)
                yield link
                operator, place = ";", None

    def statement(self, node: tree_sitter.Node, within: tuple[str, ...], depth: int) -> Iterator[Link]:
        if depth > DEEPEST:
            self.too_deep = True
        elif node.type in _CHAINS or node.type == "heredoc_redirect":
            yield from self.links(node, within, depth)
        elif node.type == "redirected_statement":
            yield from self.redirected(node, within, depth)
        elif node.type in _SIMPLE:
            command = self.command(node, within)
            inner = tuple(self.substituted(node, within, depth))
            yield Link("", None, command.span, command, (command, *inner))
        elif node.type in _COMPOUNDS:
            inside = tuple(self.inside(node, (*within, _COMPOUNDS[node.type]), depth))
            yield Link("", None, self.span(node), None, inside)

    def inside(self, node: tree_sitter.Node, within: tuple[str, ...], depth: int) -> Iterator[Command]:
        """All commands of a compound."""
        if depth > DEEPEST:
            self.too_deep = True
            return
        for link in self.links(node, within, depth):
            yield from link.commands
        for child in node.children:
            if child.type in ("do_group", "case_item", "last_case_item"):
                yield from self.inside(child, within, depth + 1)
            elif child.type not in _SIMPLE | _CHAINS | _COMPOUNDS.keys() | {"redirected_statement"}:
                yield from self.substituted(child, within, depth + 1)

    def substituted(self, node: tree_sitter.Node, within: tuple[str, ...], depth: int) -> Iterator[Command]:
        """The commands of `$(…)`, backticks and `<(…)` among the words of a command."""
        if depth > DEEPEST:
            self.too_deep = True
            return
        for child in node.children:
            if child.type in ("command_substitution", "process_substitution"):
                yield from self.inside(child, (*within, "substitution"), depth + 1)
            else:
                yield from self.substituted(child, within, depth + 1)

    def redirected(self, node: tree_sitter.Node, within: tuple[str, ...], depth: int) -> Iterator[Link]:
        """A statement with redirections. The grammar puts those of a chain's last command on the whole chain."""
        body = [child for child in node.children if child.type not in _REDIRECTIONS]
        redirects = [child for child in node.children if child.type in _REDIRECTIONS]
        links = [link for child in body for link in self.statement(child, within, depth + 1)]
        found = tuple(one for child in redirects for one in self.redirections(child))
        if links:
            links[-1] = _redirected(links[-1], found)
        elif found:
            span = Span(found[0].span.start, found[-1].span.end)
            command = Command((), (), found, span, within=within)
            links = [Link("", None, span, command, (command,))]
        yield from links
        # What follows on the line of a heredoc's opening stands within it in the tree.
        for child in redirects:
            if child.type == "heredoc_redirect":
                yield from self.links(child, within, depth + 1)

    def redirections(self, node: tree_sitter.Node) -> Iterator[Redirection]:
        if node.type == "heredoc_redirect":
            start = next((child for child in node.children if child.type == "heredoc_start"), node)
            yield Redirection("<<", None, self.text.span(node.start_byte, start.end_byte))
            for child in node.children:
                if child.type in _REDIRECTIONS:
                    yield from self.redirections(child)
            return
        named = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
        operator = "".join(decode(child.text or b"") for child in node.children if child not in named)
        yield Redirection(operator, self.word(named[0]) if named else None, self.span(node))

    def command(self, node: tree_sitter.Node, within: tuple[str, ...]) -> Command:
        if node.type == "test_command":
            return self.test(node, within)
        words: list[ShellWord] = []
        assignments: list[Assignment] = []
        redirections: list[Redirection] = []
        alone = node.type in ("variable_assignment", "variable_assignments")
        declares = node.type in ("declaration_command", "unset_command")
        for child in [node] if node.type == "variable_assignment" else node.children:
            if child.type == "variable_assignment" and not declares:
                assignments.append(self.assignment(child))
            elif child.type in _REDIRECTIONS:
                redirections += self.redirections(child)
            elif not alone:
                words.append(self.word(child))
        return Command(tuple(words), tuple(assignments), tuple(redirections), self.span(node), within=within)

    def test(self, node: tree_sitter.Node, within: tuple[str, ...]) -> Command:
        """`[ … ]`: its first word, and all between the brackets as one that is not known."""
        first, last = node.children[0], node.children[-1]
        middle = self.text.span(first.end_byte, max(first.end_byte, last.start_byte))
        raw = decode(self.text.data[first.end_byte : last.start_byte])
        words = (self.word(first), ShellWord(raw, None, middle))
        return Command(words, (), (), self.span(node), within=within)

    def assignment(self, node: tree_sitter.Node) -> Assignment:
        name = decode(node.children[0].text or b"")
        value = node.child_by_field_name("value")
        return Assignment(name, self.word(value) if value is not None else None, self.span(node))

    def word(self, node: tree_sitter.Node) -> ShellWord:
        raw = decode(self.text.data[node.start_byte : node.end_byte])
        value, pattern = unquote(raw, self.environment)
        return ShellWord(raw, value, self.span(node), pattern)


def _joined(link: Link, operator: str, place: Span | None) -> Link:
    """The link with the operator before it, as its first command has it."""
    if not operator:
        return link
    command = link.command and replace(link.command, operator=operator, operator_span=place)
    commands = (command, *link.commands[1:]) if command else link.commands
    return Link(operator, place, link.span, command, commands)


def _redirected(link: Link, found: tuple[Redirection, ...]) -> Link:
    if not found:
        return link
    span = Span(link.span.start, max(link.span.end, found[-1].span.end))
    if link.command is None:
        return replace(link, span=span)
    command = replace(link.command, redirections=link.command.redirections + found, span=span)
    return Link(link.operator, link.operator_span, span, command, (command, *link.commands[1:]))
