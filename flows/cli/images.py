"""`unimed ask | draw | edit`: the champion at work."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.models import here
from flows.cli.output import AsJson, print_json, working

Image = Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, JPEG, TIFF or DICOM file.")]
Model = Annotated[str, typer.Option("--model", help="A version's number or an alias.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Equal seeds, equal drawings.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where the PNG goes.")]


def add_to(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("ask", epilog='Example: unimed ask slice.png "Which modality is this?"')(ask)
    app.command("draw", epilog='Example: unimed draw "An axial CT image of the abdomen." --out ct.png')(draw)
    app.command("edit", epilog='Example: unimed edit blurred.png "Restore the sharp image." --out sharp.png')(edit)


def ask(
    image: Image,
    question: Annotated[str, typer.Argument(help="The question about it.")],
    more: Annotated[
        list[Path] | None,
        typer.Option("--image", "-i", help="A further image. `<image>` in the question marks where each stands."),
    ] = None,
    model: Model = "champion",
    as_json: AsJson = False,
) -> None:
    """Ask the champion a question about an image. For research: not a medical device."""
    pixels = read_pixels(image)
    others = tuple(map(read_pixels, more or ()))
    check_words(question, "question")
    predictor, recipe, version = load(here(), model)
    from components.inference.predictor import Question

    with working("looking"):
        limit = recipe.evaluation.caption_tokens
        answer = predictor.answer([Question(question, pixels, more=others)], max_new_tokens=limit)[0]
    if as_json:
        print_json({"answer": answer.text, "finish_reason": answer.finish_reason, "version": version})
    else:
        print(printable(answer.text) or "(the champion said nothing)")


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    ).strip()


def draw(
    words: Annotated[str, typer.Argument(help="What to draw.")],
    out: Out = None,
    seed: Seed = 0,
    model: Model = "champion",
    as_json: AsJson = False,
) -> None:
    """Let the champion draw an image from words. For research: such an image shows nobody's body."""
    check_words(words, "description")
    _draw(words, None, out or Path("drawing.png"), seed, model, as_json=as_json)


def edit(
    image: Image,
    words: Annotated[str, typer.Argument(help="What to make of it.")],
    out: Out = None,
    seed: Seed = 0,
    model: Model = "champion",
    as_json: AsJson = False,
) -> None:
    """Let the champion draw an image from an image and an instruction, such as restoring it at four times the resolution."""
    pixels = read_pixels(image)
    check_words(words, "instruction")
    _draw(words, pixels, out or Path(f"{image.stem}-edited.png"), seed, model, as_json=as_json)


def _draw(words: str, pixels: Any, out: Path, seed: int, model: str, *, as_json: bool) -> None:
    from components.storage.atomic import write_bytes

    out = out.absolute()
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out {out.name}: drawings are written as .png")
    if not out.parent.is_dir():
        raise ValueError(f"--out: the folder {out.parent} does not exist")
    predictor, recipe, version = load(here(), model)
    from components.images.png import encode_png
    from components.inference.predictor import DrawRequest

    with working("drawing"):
        drawn = predictor.draw([DrawRequest(words, seed, pixels)], recipe.evaluation.drawing)[0]
        write_bytes(out, encode_png(drawn))
    if as_json:
        print_json({"file": str(out), "seed": seed, "version": version})
    else:
        print(out)


def read_pixels(path: Path) -> Any:
    """The image file's pixels; raises ValueError, naming the file and what is wrong with it."""
    from components.images.reading import read_image

    if not path.exists():
        raise ValueError(f"{path}: no such file")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give one image file")
    try:
        return read_image(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give a PNG, JPEG, TIFF or DICOM file") from None


def check_words(text: str, what: str) -> None:
    """Raise ValueError when there are no words."""
    if not text.strip():
        raise ValueError(f"the {what} is empty")


def load(workspace: Any, name: str) -> tuple[Any, Any, int]:
    """(predictor, recipe, version number) of a version; raises Impossible when there is none of that name."""
    from components.recipes.recipe import read_recipe
    from components.registry.catalogue import checkpoint_of, record_folder, resolve
    from components.registry.tracking import connect
    from components.stage import set_environment

    with working(f"loading {name}"):
        tracking = connect(workspace)
        version = resolve(workspace, name, tracking)
        recipe = read_recipe(record_folder(tracking, version) / "params.yaml")
        set_environment(recipe.compute.threads)
        checkpoint = checkpoint_of(workspace, tracking, version)
        from components.inference.predictor import Predictor

        compute = recipe.compute
        predictor = Predictor.load(checkpoint, threads=compute.threads, precision=compute.precision)
        return predictor, recipe, version.number
