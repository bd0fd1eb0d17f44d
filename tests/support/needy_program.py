"""A program whose needs are known: what it misses makes it fail with the error that a program would give."""

from dataclasses import dataclass, field

from layered_image import file, finding, image_of

from slimml.bloat.finding import Risk
from slimml.engine.container import EngineFacts
from slimml.inventory.take import take_inventory
from slimml.probes.answer import Answer, Asked
from slimml.slim.mending.candidates import candidates_of
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan
from slimml.verify.verification import Difference, Row, Verdict, Verification

FACTS = EngineFacts("runc", "1", "directory", False, "runc")


def verified(*failures, logs=b"", verdict=Verdict.BROKEN):
    """A verification in which these (probe, body) failed, SAME without any."""
    rows = [
        Row(name, verdict, (Difference("status", "200", "500"),), (), Answer(name, 200), Answer(name, 500, body=body))
        for name, body in failures
    ] or [Row("all", Verdict.SAME, (), (), Answer("all", 200), Answer("all", 200))]
    return Verification("a", "b", FACTS, "test", tuple(rows), (), None, Asked((), 1.0, None, stderr=logs))


@dataclass
class Program:
    """Answers as long as each path of `needs` is put back; its first missing one is told with the words given."""

    needs: dict
    candidates: object
    tried: list = field(default_factory=list)

    def check(self, units):
        self.tried.append(units)
        inventory = self.candidates.inventory
        there = {inventory.paths[row] for row in self.candidates.complete(units)}
        for path, words in self.needs.items():
            if path not in there:
                return verified(("predict", b"Internal Server Error"), logs=words.encode())
        return verified()


def removal(*items, rule="test", extra=()):
    """Candidates for an image from which all of these entries go."""
    image = image_of([*items, *extra, file("app/main.py", b"x" * 100)])
    inventory = take_inventory(image)
    rows = [inventory.live[item.name] for item in items]
    plan = make_plan(inventory, [finding(rows, rule=rule, risk=Risk.LIKELY)], Options(level=Level.ALL))
    return candidates_of(inventory, plan)


def program(needs, *items, **more):
    """A program whose image lost `items`, and which needs some of them: {path: its error}."""
    return Program(needs, removal(*items, **more))
