"""Histories of images as builders would write them for a Dockerfile."""

import re

from slimml.dockerfile.stages import lineage, read_stages
from slimml.dockerfile.variables import expand


def as_buildkit_tells(document):
    """The history that BuildKit would write for the last stage, and the line of each entry."""
    stages, escape = read_stages(document), document.escape
    for stage in lineage(stages, len(stages) - 1):
        for step in stage.steps:
            found, environment = step.instruction, step.scope.environment
            if found.name == "RUN":
                shell = "" if found.json else " ".join(step.scope.shell) + " "
                text = " ".join(found.values) if found.json else _script(document, found)
                yield f"RUN {shell}{text} # buildkit", found.line
            elif found.name in ("COPY", "ADD"):
                words = [expand(word, environment, escape) or word for word in found.values]
                yield f"{found.name} {' '.join(words)} # buildkit", found.line
            elif found.name == "SHELL":
                yield f"SHELL [{' '.join(found.values)}]", found.line
            elif found.name in ("WORKDIR", "USER"):
                yield f"{found.name} {expand(found.values[0], environment, escape) or found.values[0]}", found.line


def _script(document, found):
    """What the shell gets: of a heredoc alone its content, otherwise the line with its heredocs."""
    contents = [doc.content.of(document.data).decode() for doc in found.heredocs]
    contents = [re.sub("(?m)^\t+", "", text) if doc.chomp else text
                for text, doc in zip(contents, found.heredocs, strict=True)]  # fmt: skip
    if len(contents) == 1 and found.arguments.text.startswith("<<") and " " not in found.arguments.text:
        return contents[0]
    return found.arguments.text + "".join(
        f"\n{content}{doc.name}" for content, doc in zip(contents, found.heredocs, strict=True)
    )
