"""What a component's results are made with beside its own code: the packages that it imports, and how floats are summed."""

import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from components.storage.atomic import read_object
from components.storage.workspace import Workspace

SECTION = "made_with"
"""Of code.json: component -> its packages; `adapters`: format -> its adapter's."""

ARITHMETIC = {
    # One processor level that all x86-64 machines of the last ten years have, so that floats sum alike.
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
"""Environment of each stage, set before torch is imported."""

BESIDE = {
    "onnxruntime": ("rapidocr-onnxruntime",),
    "openslide": ("openslide-bin",),
    "pydicom": (
        *("pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle"),
        *("pyjpegls", "python-gdcm"),  # not ours, but pydicom decodes with them where they are installed
    ),
    "rouge_score": ("nltk",),
}
"""Module -> distributions that do its work without being imported by us."""

BYSTANDERS = frozenset({"boto3", "botocore", "cachetools", "filelock", "mlflow", "psutil", "ray"})
"""Modules that carry, hold or watch: no number of a result is theirs."""


def packages_of(modules: Iterable[str]) -> dict[str, str]:
    """Distribution -> version of what provides these top-level modules and of what works beside them, where installed; with
    torch also the settings of its arithmetic."""
    wanted = set(modules) - set(sys.stdlib_module_names) - BYSTANDERS
    names = {name for module in wanted for name in (*_providers().get(module, ()), *BESIDE.get(module, ()))}
    found = {_plain(name): number for name in names if (number := _version(name))}
    return dict(sorted((found | (ARITHMETIC if "torch" in wanted else {})).items()))


def differences(recorded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """A line for each package whose version is another one: `torch 2.12.0 is now 2.13.0`."""
    lines = []
    for name in sorted({*recorded, *present}):
        before, now = recorded.get(name), present.get(name)
        if before is None:
            lines.append(f"{name} {now} is new")
        elif now is None:
            lines.append(f"{name} {before} is gone")
        elif before != now:
            lines.append(f"{name} {before} is now {now}")
    return lines


def recorded_packages(workspace: Workspace) -> dict[str, dict[str, str]]:
    """What code.json says that stages are made with: key such as `made_with.training` -> packages. Empty before there is one."""
    path = workspace.root / "code.json"
    return flat(read_object(path)) if path.is_file() else {}


def flat(code: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """The packages in the object of code.json by the keys that dvc.yaml names: `made_with.adapters.dicom` -> packages."""
    section = code.get(SECTION, {})
    section = dict(section) if isinstance(section, Mapping) else {}
    adapters = section.pop("adapters", {})
    components = {f"{SECTION}.{name}": dict(packages) for name, packages in section.items()}
    return components | {f"{SECTION}.adapters.{name}": dict(packages) for name, packages in adapters.items()}


@lru_cache
def _providers() -> Mapping[str, list[str]]:
    return packages_distributions()


@lru_cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _plain(name: str) -> str:
    """The name as package indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()
