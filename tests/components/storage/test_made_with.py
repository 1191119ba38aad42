"""An upgraded package makes stale what imports it, and nothing else."""

import json
from importlib.metadata import distributions

import pytest

from components.sources.table import adapter_code
from components.storage import made_with
from components.storage.code import code_hashes
from components.storage.dvc import changed_stages, reproduce_stage
from components.storage.made_with import ARITHMETIC, BESIDE, differences, flat


@pytest.fixture(scope="module")
def hashes(tmp_path_factory):
    """What code.json would hold now; source files are read once for all tests."""
    memory = tmp_path_factory.mktemp("memory") / "trees.json"
    return lambda: code_hashes(adapter_code(), memory)


@pytest.fixture
def upgraded(monkeypatch, hashes):
    """upgraded("torch") -> keys of code.json that another version of it changes."""
    plain, before = made_with._version, flat(hashes())

    def keys(name: str) -> set[str]:
        monkeypatch.setattr(made_with, "_version", lambda asked: "99.0" if asked == name else plain(asked))
        after = flat(hashes())
        return {key.removeprefix("made_with.") for key in after if after[key] != before[key]}

    return keys


def test_another_torch_counts_for_what_computes_with_it_and_not_for_data(upgraded):
    assert upgraded("torch") == {"judge", "start", "training", "prediction", "evaluation"}


def test_another_tokenizers_counts_for_what_reads_or_writes_token_ids(upgraded):
    assert upgraded("tokenizers") == {"start", "training", "prediction"}


def test_what_decodes_for_pydicom_counts_for_those_who_read_dicom_though_nobody_imports_it(upgraded):
    found = upgraded("pylibjpeg-openjpeg")
    assert found == upgraded("pydicom") and {"adapters.dicom", "adapters.vindr-cxr"} <= found
    assert not {"training", "start", "prediction", "evaluation", "judge"} & found


def test_another_pillow_counts_for_every_reader_of_pictures(upgraded):
    found = upgraded("pillow")
    assert {"validation", "assembly", "adapters.images", "adapters.dicom"} <= found and "admission" not in found


@pytest.mark.parametrize("name", ["pytest", "prefect", "mlflow", "ray", "dvc", "requests", "setuptools"])
def test_what_computes_no_result_counts_for_none(upgraded, name):
    assert upgraded(name) == set()


def test_a_decoder_that_is_installed_later_is_news_and_any_other_package_is_not(monkeypatch, hashes):
    plain, before = made_with._version, hashes()
    monkeypatch.setattr(made_with, "_version", lambda asked: "3.0" if asked == "python-gdcm" else plain(asked))
    after = hashes()
    news = {key: differences(packages, flat(after)[key]) for key, packages in flat(before).items()}
    assert news["made_with.adapters.dicom"] == ["python-gdcm 3.0 is new"]
    assert not news["made_with.adapters.images"] and not news["made_with.training"]
    monkeypatch.setattr(
        made_with, "_providers", lambda: {**made_with.packages_distributions(), "stranger": ["stranger"]}
    )
    assert hashes() == after


def test_how_floats_are_summed_counts_where_torch_does(hashes):
    found = flat(hashes())
    with_torch = {key for key, packages in found.items() if "torch" in packages}
    assert {key for key, packages in found.items() if ARITHMETIC.items() <= packages.items()} == with_torch
    assert with_torch and not any(set(ARITHMETIC) & set(found[key]) for key in found.keys() - with_torch)


def test_what_stands_beside_a_module_is_installed_or_known_to_be_a_stranger():
    here = {made_with._plain(found.name) for found in distributions()}
    ours = {name for names in BESIDE.values() for name in names} - {"pyjpegls", "python-gdcm"}
    assert ours <= here


def test_versions_are_told_apart_in_words():
    recorded = {"numpy": "2.4.6", "torch": "2.12.0", "gone": "1"}
    assert differences(recorded, {"numpy": "2.4.6", "torch": "2.13.0", "av": "18"}) == [
        "av 18 is new",
        "gone 1 is gone",
        "torch 2.12.0 is now 2.13.0",
    ]


def test_a_stage_is_stale_by_its_packages_and_says_which(workspace):
    def install(**packages: str) -> None:
        (workspace.root / "code.json").write_text(json.dumps({"a": 1, "made_with": {"a": packages}}))

    graph = workspace.root / "dvc.yaml"
    graph.write_text(graph.read_text().replace("            - a\n", "            - a\n            - made_with.a\n"))
    reproduce_stage(workspace, "code")
    install(numpy="2.4.6", torch="2.12.0")
    for stage in ("make@one", "make@two"):
        reproduce_stage(workspace, stage)
    install(torch="2.12.0", numpy="2.4.6")
    assert not {"make@one", "make@two"} & changed_stages(workspace).keys()
    install(numpy="2.4.6", torch="2.13.0")
    assert changed_stages(workspace)["make@one"] == "input code.json (torch 2.12.0 is now 2.13.0)"
    assert reproduce_stage(workspace, "make@one").ran
    assert "make@one" not in changed_stages(workspace)
