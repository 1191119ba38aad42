"""`unimed`: the command line. Nothing heavy is imported before a command runs."""

import sys

import typer

from components.stage import spare_loopback
from flows.cli import data, images, judging, models, registry, scheduling, services, training, weights, workspace
from flows.cli.errors import explain
from flows.cli.prompt import open_streams, waiting

app = typer.Typer(
    name="unimed",
    help="UniMed keeps retraining one network that answers questions about medical images and draws them.\n\n"
    "The main job is `unimed retrain`: raw images in, a judged and promoted model version out.",
    epilog="Begin with `unimed doctor`, then `unimed retrain`. Each command has --help with an example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (training, workspace, models, judging, registry, data, images, weights, scheduling, services):
    group.add_to(app)


def main() -> int:
    """Run the command line; the exit code: 0 done, 1 it failed, 2 asked for something impossible, 75 start me again."""
    open_streams()
    spare_loopback()
    try:
        with waiting("".join(sys.argv[1:2])):
            app()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except (Exception, KeyboardInterrupt) as error:
        return explain(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
