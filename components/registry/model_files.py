"""A version as MLflow loads it: our pyfunc from code, the record as artifacts, the package source beside them."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.registry.evidence import PACKAGE_ROOT, installed
from components.registry.runs import Run

SERVED = ("components", "model")
"""Top packages that answering needs."""
SERVING_PACKAGES = (
    "torch",
    "transformers",
    "diffusers",
    "safetensors",
    "tokenizers",
    "pillow",
    "numpy",
    "pandas",
    "mlflow",
    "boto3",
    "pydantic",
    "ruamel.yaml",
    "filelock",
)


def code_folders(temporary: Path) -> list[str]:
    """Copies of our packages' source for a version, without the shipped raw data."""
    folders = []
    for name in SERVED:
        target = temporary / "source" / name
        shutil.copytree(PACKAGE_ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", "shipped", ".*"))
        folders.append(str(target))
    return folders


def log_model(run: Run, *, record: Path, code: list[str], tags: Mapping[str, str]) -> str:
    """Log the model below the run and return its address `models:/m-…`.

    Saved, then sent: mlflow.pyfunc.log_model would load the weights once more to try the input example.
    """
    import mlflow
    import pandas
    from mlflow.entities import LoggedModelStatus
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    client = run.tracking.client
    text = "string"
    signature = ModelSignature(
        inputs=Schema([ColSpec(text, "task"), ColSpec(text, "prompt"), ColSpec(text, "image", required=False)]),
        outputs=Schema([ColSpec(text, "text"), ColSpec(text, "image")]),
        params=ParamSchema([ParamSpec("seed", "long", 0)]),
    )
    example = pandas.DataFrame([{"task": "draw", "prompt": "An axial T1-weighted MRI of the brain.", "image": ""}])
    for left in client.search_logged_models(
        [run.tracking.experiment_id], filter_string=f"source_run_id = '{run.run_id}'"
    ):
        client.delete_logged_model(left.model_id)  # of a registration that was killed before there was a version
    logged = client.create_logged_model(
        run.tracking.experiment_id, name="unimed", source_run_id=run.run_id, tags=dict(tags), model_type="unimed"
    )
    with tempfile.TemporaryDirectory(prefix="unimed-model-") as temporary:
        folder = Path(temporary) / "model"
        mlflow.pyfunc.save_model(
            path=str(folder),
            mlflow_model=Model(run_id=run.run_id, model_id=logged.model_id),
            python_model=str(PACKAGE_ROOT / "components" / "serving" / "pyfunc_model.py"),
            artifacts={"record": str(record)},
            code_paths=code,
            signature=signature,
            input_example=example,
            pip_requirements=serving_requirements(),
        )
        client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return f"models:/{logged.model_id}"


def serving_requirements() -> list[str]:
    """Exact versions of the packages that answering needs."""
    return [f"{name}=={installed(name).partition('+')[0]}" for name in SERVING_PACKAGES]
