"""Great Expectations' own pages of a validation, for who knows them; our pages show images and need no network."""

from pathlib import Path
from typing import TYPE_CHECKING

from components.recipes.validation import ValidationSettings
from components.storage.atomic import atomic_folder
from components.validation.suites import SUITE, expectations, open_batches

if TYPE_CHECKING:
    import pandas


def write_data_docs(frame: "pandas.DataFrame", settings: ValidationSettings, folder: Path) -> Path:
    """A Great Expectations project in the folder, which must not exist, with the suite, its results on the frame and their
    pages; the first page. The pages load their style from the network. Raises ValueError for a folder that is there, and
    where there is no record."""
    if folder.exists():
        raise ValueError(f"{folder} exists; name a new folder")
    if frame.empty:
        raise ValueError("no record could be read: there is nothing to write Data Docs about")
    with atomic_folder(folder) as project:
        context, batch = open_batches(mode="file", project_root_dir=project)
        import great_expectations as gx
        from great_expectations.checkpoint import UpdateDataDocsAction

        suite = context.suites.add(gx.ExpectationSuite(name=SUITE, expectations=expectations(settings)))
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=SUITE, data=batch, suite=suite))
        checkpoint = gx.Checkpoint(
            name=SUITE,
            validation_definitions=[definition],
            actions=[UpdateDataDocsAction(name="pages")],
            result_format="SUMMARY",
        )
        context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    (page,) = folder.rglob("local_site/index.html")
    return page
