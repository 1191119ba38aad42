"""One person in two deliveries has one key where the recipe says that their patients are the same."""

import pytest

from components.recipes.sources import PatientIds, SourceSettings
from components.sources.former_keys import Change, FormerKeys, write_changes
from components.sources.patients import Patients, person, proposed
from components.sources.table import check_namespaces
from components.storage.keys import patient_key, public_secret


def source(patients: str | None = None, *, format_name: str = "images", **ids: object) -> SourceSettings:
    private = {"private": True} if ids.pop("private", False) else {}
    return SourceSettings(
        path="data/raw/x", format=format_name, options=private, patients=patients, patient_ids=PatientIds(**ids)
    )  # type: ignore[arg-type]


def test_a_source_that_says_nothing_keeps_the_keys_that_it_had():
    for patients in (Patients(), Patients({"may": source()})):
        assert patients.key("may", "0042") == patient_key(public_secret("may"), "0042")
        assert patients.together("may") == ("may",)


def test_two_sources_of_one_namespace_share_a_patient_and_others_do_not():
    patients = Patients({"may": source("clinic"), "june": source("clinic"), "other": source()})
    assert patients.key("may", "42") == patients.key("june", "42") != patients.key("other", "42")
    assert patients.together("june") == ("june", "may")


def test_padding_goes_where_the_source_says_so_and_an_issuer_tells_equal_numbers_apart():
    padded, plain = source("clinic", strip_zeros=True), source("clinic")
    patients = Patients({"old": padded, "new": plain, "abroad": source("clinic", issuer="abroad")})
    assert patients.key("old", "0042") == patients.key("new", "42") != patients.key("new", "0042")
    assert patients.key("old", "0") == patients.key("old", "000")
    assert patients.key("abroad", "42") != patients.key("new", "42")
    assert person("A-0042", padded) == "A-0042"


@pytest.mark.parametrize("subject", ["PMC123", "PMC0123", "pmc_123", "PMC123_F2", "PMC123_01.jpg", "10/PMC123"])
def test_an_article_has_one_id_in_the_namespace_of_articles_however_a_set_writes_it(subject):
    assert person(subject, source("pmc")) == "PMC123"
    assert person(subject, source()) == subject, "elsewhere nothing moves"


def test_a_number_that_is_no_article_id_stays_as_it_is():
    assert person("17506892_F1", source("pmc")) == "17506892_F1"


def test_private_and_public_sources_do_not_share_a_namespace():
    with pytest.raises(ValueError, match=r"may \(private\) and web \(public\).*sources\.web\.options\.private"):
        check_namespaces({"may": source("clinic", private=True), "web": source("clinic")})
    check_namespaces({"may": source("clinic", private=True), "web": source("clinic", private=True)})


def test_a_namespace_is_a_name():
    with pytest.raises(ValueError, match=r"sources\.patients is 'My Clinic'"):
        source("My Clinic")


def test_a_former_key_is_known_by_the_present_one_through_every_change():
    keys = FormerKeys([Change("may", "a", "b"), Change("may", "b", "c")])
    assert (keys.now("a"), keys.now("b"), keys.now("c")) == ("c", "c", "c")
    assert keys.first("c") == {"a"} and keys.names("c") == {"a", "b", "c"} == keys.names("a")
    assert keys.knows("a") and keys.knows("c") and not keys.knows("x")


def test_two_keys_that_become_one_are_both_its_first_and_a_key_that_was_there_before_is_too():
    assert FormerKeys([Change("may", "a", "c"), Change("june", "b", "c")]).first("c") == {"a", "b"}
    assert FormerKeys([Change("june", "c", "c"), Change("may", "a", "c")]).first("c") == {"a", "c"}


def test_a_change_and_the_change_back_leave_the_first_key():
    keys = FormerKeys([Change("may", "a", "b"), Change("may", "b", "a")])
    assert keys.first("a") == {"a"} and keys.now("b") == "a" == keys.now("a")


def test_changes_are_read_as_they_were_written_and_a_broken_line_is_named(tmp_path):
    write_changes(tmp_path, [Change("may", "a", "b")])
    write_changes(tmp_path, [Change("may", "b", "c")])
    assert FormerKeys.read(tmp_path).names("c") == {"a", "b", "c"}
    (tmp_path / "keys.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match="line 1 is no change of a key"):
        FormerKeys.read(tmp_path)
    assert FormerKeys.read(tmp_path / "nowhere").now("a") == "a"


def test_a_new_source_is_proposed_the_namespace_of_the_sets_that_share_its_patients():
    assert proposed("iu-xray", (), {}, ()) == proposed("rad-restruct", (), {}, ()) == "openi"
    assert {proposed(name, (), {}, ()) for name in ("pmc-oa", "pmc-vqa", "roco", "llava-med", "medicat")} == {"pmc"}
    assert proposed("medmnist", ("chestmnist_64.npz",), {}, ()) == proposed("rsna", (), {}, ()) == "nih"
    assert proposed("medmnist", ("bloodmnist.npz",), {}, ()) is None is proposed("images", (), {}, ())


def test_a_clinic_s_export_is_of_the_patients_of_the_workspace_s_private_sources():
    known = {"web": source(), "may": source(private=True), "old": source("hospital", private=True)}
    assert proposed("dicom", (), known, ["may", "old"]) == "may"
    assert proposed("nifti", (), known, ["old"]) == "hospital"
    assert proposed("nifti", (), {"web": source()}, ()) == "workspace"
