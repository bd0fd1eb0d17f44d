"""The left side: what is listed, the list, and what is known of the line under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from slimml.explore import details
from slimml.explore.choices import Choices, Kind

if TYPE_CHECKING:
    from slimml.explore.subject import Found, Subject

_TABS = {Kind.LAYERS: " 1 Layers ", Kind.OWNERS: " 2 Owners ", Kind.FINDINGS: " 3 Findings "}


class Tabs(Static):
    """What can be listed, for the mouse; for keys it says which they are."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, kind: Kind) -> None:
            super().__init__()
            self.kind = kind

    def tell(self, chosen: Kind) -> None:
        """Show which is listed."""
        tabs = Text(no_wrap=True)
        for kind, words in _TABS.items():
            tabs.append(words, "reverse bold" if kind is chosen else "")
        self.update(tabs)

    def on_click(self, event: Click) -> None:
        """Tell which tab was meant."""
        end = 0
        for kind, words in _TABS.items():
            end += len(words)
            if event.x < end:
                self.post_message(self.Chosen(kind))
                return


class LeftPane(Vertical):
    """Layers, owners or findings."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(id="left")
        self.subject = subject
        self.choices = Choices(subject)
        self._tabs = Tabs(id="tabs")
        self._titles = Static(classes="titles")
        self._about = Static()

    def compose(self) -> ComposeResult:
        """Tabs, the list, what is told of its line."""
        yield self._tabs
        yield self._titles
        yield self.choices
        with VerticalScroll(id="about", can_focus=False):
            yield self._about

    def know(self, found: Found) -> None:
        """The findings are known now."""
        self.choices.know(found)
        self.tell()

    def facts(self) -> list[details.Fact]:
        """What is known of the line under the cursor."""
        choices, subject = self.choices, self.subject
        if choices.kind is Kind.OWNERS and choices.count:
            return list(details.owner_facts(subject, subject.owners[choices.cursor]))
        if choices.kind is Kind.FINDINGS:
            return (
                list(details.finding_facts(choices.chosen_finding))
                if choices.chosen_finding
                else [("", self._no_finding)]
            )
        if choices.chosen_layer is not None:
            return list(details.layer_facts(subject, choices.chosen_layer, choices.found))
        return list(details.image_facts(subject, choices.found))

    def tell(self) -> None:
        """Write what stands around the list anew."""
        self._tabs.tell(self.choices.kind)
        self._titles.update(Text(self.choices.titles, no_wrap=True))
        self._about.update(details.written(self.facts()))
        self.query_one("#about", VerticalScroll).scroll_home(animate=False)

    @on(Choices.Moved)
    def _moved(self) -> None:
        self.tell()

    @on(Tabs.Chosen)
    def _tab_chosen(self, event: Tabs.Chosen) -> None:
        self.choices.list_kind(event.kind)
        self.choices.focus()

    @property
    def _no_finding(self) -> str:
        return "nothing that could go was found" if self.choices.found else "what could go is being looked for…"
