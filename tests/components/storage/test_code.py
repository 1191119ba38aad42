import pytest

from components.sources.table import MODULES, adapter_code
from components.storage import code, code_trees
from components.storage.code import ENTRIES, _closure, _import_graph


@pytest.fixture
def edited(monkeypatch):
    """edited("components.x") -> names of the keys of code.json, as `adapters.slake`, that a changed word there changes."""
    plain, before = code_trees.tree_digest, _flat(code.code_hashes(adapter_code()))

    def names(module: str) -> set[str]:
        path = code._file_of(module)
        changed = lambda file: plain(file) + (" changed" if file == path else "")  # noqa: E731
        monkeypatch.setattr(code_trees, "tree_digest", changed)
        after = _flat(code.code_hashes(adapter_code()))
        return {name for name, digest in after.items() if digest != before[name]}

    return names


def _flat(found: dict) -> dict[str, str]:
    adapters = {f"adapters.{name}": digest for name, digest in found["adapters"].items()}
    return {name: digest for name, digest in found.items() if name != "adapters"} | adapters


def test_each_component_is_hashed_with_what_it_imports_and_without_what_only_watches():
    graph = _import_graph()
    training = _closure(graph, [ENTRIES["training"]])
    assert "model.unimedvl" in training and "components.records.sample" in training
    assert not [module for module in training if module.startswith(code.OUTSIDE)]
    validation = _closure(graph, [ENTRIES["validation"]])
    assert not [module for module in validation if module.startswith("model")]
    assert not set(MODULES.values()) & set(validation), "no adapter counts for another's sources"


def test_a_changed_word_in_an_adapter_counts_for_its_own_format_alone(edited):
    assert edited("components.sources.published.slake") == {"adapters.slake"}


def test_a_changed_word_among_the_findings_counts_for_those_who_may_speak_of_one(edited):
    found = edited("components.records.findings")
    chest = {"chexpert", "covid-cxr", "mimic-cxr", "nih-cxr", "padchest", "rsna", "siim", "tbx11k", "vindr-cxr"}
    assert {f"adapters.{name}" for name in (*chest, "dicom", "images", "jsonl")} <= found
    assert "assembly" in found and "validation" not in found
    assert not {f"adapters.{name}" for name in ("slake", "ixi", "bci", "mni152")} & found


def test_a_shared_reader_counts_for_all_that_read_with_it(edited):
    assert {"adapters.ixi", "adapters.brats", "adapters.synthrad"} == edited(
        "components.sources.reading.paired_volumes"
    )
