"""`slimml models …`: the model files of a directory or an image, and one of them in full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import models_shrink
from slimml.cli.session import Session, with_session

if TYPE_CHECKING:
    from slimml.models.listing import Listing

Place = Annotated[
    str,
    typer.Argument(
        metavar="PATH|IMAGE",
        help="A directory or file of this machine, if there is one of that name; else an image.",
        show_default=False,
    ),
]
ModelPath = Annotated[Path, typer.Argument(metavar="FILE", help="A model file.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Find model files, look into them, make them smaller.", no_args_is_help=True)
    group.command(name="list")(with_session(images=True)(list_models))
    group.command()(with_session(images=False)(inspect))
    models_shrink.register(group)
    app.add_typer(group, name="models")


def list_models(session: Session, place: Place) -> None:
    """List the models of a directory or an image.

    They are known by their content. Nothing of them is run, and no pickle is ever loaded.
    """
    from slimml.report.models import models_report, render_models

    report = models_report(place, _listing(session, place))
    if session.json:
        session.answer("models-list", report)
    else:
        render_models(report, session.out)


def inspect(session: Session, file: ModelPath) -> None:
    """Say what a model file holds: tensors, dtypes, what only training needs, what loading would run."""
    from slimml.errors import InvalidModel, Unsupported
    from slimml.models.directories import look_at
    from slimml.report.models import model_report, render_model, tensor_reports

    model = look_at(file)
    if model is None:
        raise Unsupported(f"{file} is no model of a format that slimml knows (docs/models.md lists them)")
    if model.unread and not model.dangers:
        raise InvalidModel(f"{file} begins as {model.format} and cannot be read as that: {model.unread}; left alone")
    report, tensors = model_report(str(file), model), tensor_reports(model)
    if session.json:
        session.answer("models-inspect", report, all_tensors=tensors)
    else:
        render_model(report, tensors, session.out)


def _listing(session: Session, place: str) -> "Listing":
    path = Path(place)
    if path.exists():
        from slimml.models.directories import list_directory, list_file

        return list_directory(path, session.progress) if path.is_dir() else list_file(path)
    from slimml.cli.reading import inventory_of, open_named
    from slimml.models.layered import list_image

    inventory = inventory_of(open_named(place, session), session)
    return list_image(inventory, limits=session.access.limits, progress=session.progress)
