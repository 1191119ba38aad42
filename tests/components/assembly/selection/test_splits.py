"""On which side a record stands follows from it and the recipe alone."""

from dataclasses import replace

import pytest

from components.assembly.selection.splits import SplitPlan, check_listed
from components.recipes.assembly import Slab, SplitSettings
from components.recipes.sources import SourceSettings
from components.records.vocabulary import Split
from components.sources.former_keys import Change, FormerKeys
from components.sources.patients import Patients

SLAB = Slab(source="mri", subject="mean", plane="axial", low=0, high=20, guard=10)


def plan(val_share: float = 0.0, **test: tuple[str, ...]) -> SplitPlan:
    return SplitPlan.from_settings(SplitSettings(test=test, slabs=(SLAB,), val_share=val_share), Patients())


@pytest.mark.parametrize(
    ("position", "split"),
    [
        (-10.1, Split.TRAIN),
        (-10.0, Split.GUARD),
        (-0.1, Split.GUARD),
        (0.0, Split.WITHIN_SUBJECT),
        (20.0, Split.WITHIN_SUBJECT),
        (30.0, Split.GUARD),
        (30.1, Split.TRAIN),
    ],
)
def test_slab_and_guard_band_are_cut_by_position_in_millimetres(make_entry, position: float, split: Split) -> None:
    assert plan().split_of(make_entry("a", "mean", facts={"plane": "axial"}, position=position)) is split


def test_a_slab_cuts_its_own_plane_and_subject_only(make_entry) -> None:
    assert plan().split_of(make_entry("a", "mean", facts={"plane": "coronal"}, position=5.0)) is Split.TRAIN
    assert plan().split_of(make_entry("a", "other", facts={"plane": "axial"}, position=5.0)) is Split.TRAIN


def test_a_listed_subject_is_test_in_its_own_source_only(make_entry) -> None:
    held = plan(mri=("p2",))
    assert held.split_of(make_entry("a", "p2")) is Split.TEST
    assert held.split_of(make_entry("a", "p2", source="ct")) is Split.TRAIN


def test_a_subject_to_choose_on_is_val_whole_and_a_slab_to_choose_on_within_val(make_entry) -> None:
    settings = SplitSettings(
        test={}, val={"mri": ("p2",)}, slabs=(SLAB, replace(SLAB, low=31, high=40, split="within-val")), val_share=0.0
    )
    cut = SplitPlan.from_settings(settings, Patients())
    assert cut.split_of(make_entry("a", "p2")) is cut.side_of(make_entry("a", "p2").patient_key) is Split.VAL
    assert cut.split_of(make_entry("a", "p2", source="ct")) is Split.TRAIN
    sides = {
        where: cut.split_of(make_entry("a", "mean", facts={"plane": "axial"}, position=where))
        for where in (-11.0, 20.0, 30.0, 31.0, 40.0, 50.0, 51.0)
    }
    assert list(sides.values()) == [
        *(Split.TRAIN, Split.WITHIN_SUBJECT, Split.GUARD, Split.WITHIN_VAL, Split.WITHIN_VAL, Split.GUARD, Split.TRAIN)
    ]
    assert cut.absent([make_entry("a", "mean")]) == (
        "mri/mean axial 0 to 20",
        "mri/mean axial 31 to 40",
        "mri/p2",
    )


def test_a_subject_is_named_for_one_side_only() -> None:
    with pytest.raises(ValueError, match=r"assembly\.splits names mri/p2 under test and under val"):
        SplitSettings(test={"mri": ("p2",)}, val={"mri": ("p2",)}, slabs=(), val_share=0.0)
    settings = SplitSettings(test={}, val={"mri": ("mean",)}, slabs=(SLAB,), val_share=0.0)
    with pytest.raises(ValueError, match=r"mri/mean is val, so assembly\.splits\.slabs must not cut mean"):
        SplitPlan.from_settings(settings, Patients())


def test_the_share_to_choose_on_takes_no_subject_that_is_cut_into_slabs(make_entry) -> None:
    cut = plan(0.999)
    assert cut.split_of(make_entry("a", "other")) is Split.VAL
    assert cut.split_of(make_entry("a", "mean", facts={"plane": "axial"}, position=-40.0)) is Split.TRAIN


def test_a_delivered_split_wins(make_entry) -> None:
    assert plan(mri=("p2",)).split_of(make_entry("a", "p2", delivered_split=Split.TRAIN)) is Split.TRAIN


def test_val_takes_whole_patients_and_about_its_share(make_entry) -> None:
    cut = plan(0.3)
    sides = {p: {cut.split_of(make_entry(f"{p}-{k}", f"p{p}")) for k in range(3)} for p in range(300)}
    assert all(len(found) == 1 for found in sides.values())
    assert 60 < sum(found == {Split.VAL} for found in sides.values()) < 120


def test_a_subject_that_is_held_out_cannot_be_cut_as_well() -> None:
    with pytest.raises(ValueError, match=r"mri/mean is held out as test, so assembly\.splits\.slabs must not cut mean"):
        plan(mri=("mean",))


def test_what_the_recipe_names_and_nobody_delivered_is_listed(make_entry) -> None:
    assert plan(mri=("p2", "p3")).absent([make_entry("a", "p2")]) == ("mri/mean axial 0 to 20", "mri/p3")


def test_the_symmetric_average_head_is_cut_symmetrically_by_every_recipe() -> None:
    from components.recipes.shipped import SHIPPED, read_shipped

    for name in SHIPPED:
        slabs = read_shipped(name).assembly.splits.slabs
        middle = [slab for slab in slabs if slab.subject == "mni152" and slab.plane == "sagittal"]
        mirrored = {(-slab.high, -slab.low, slab.guard, slab.split) for slab in middle}
        assert middle and mirrored == {(slab.low, slab.high, slab.guard, slab.split) for slab in middle}, name


def test_a_patient_of_a_private_source_is_held_out_by_its_key(make_entry) -> None:
    entry = make_entry("a", "somebody")
    assert plan(mri=(entry.patient_key,)).split_of(entry) is Split.TEST
    assert plan(mri=(entry.patient_key,)).split_of(make_entry("a", "another")) is Split.TRAIN


def test_a_share_of_patients_is_held_out_and_a_larger_share_keeps_them(make_entry) -> None:
    entries = [make_entry(str(number), f"p{number}") for number in range(400)]

    def held(share: float) -> set[str]:
        settings = SplitSettings(test={}, slabs=(), val_share=0.0, test_share=share)
        return {e.id for e in entries if SplitPlan.from_settings(settings, Patients()).split_of(e) is Split.TEST}

    assert held(0.0) == set() and held(0.1) < held(0.3) and 80 < len(held(0.3)) < 160
    with pytest.raises(ValueError, match=r"assembly\.splits\.test_share must be in 0 to 1"):
        held(1.0)


def test_a_slice_of_a_cut_volume_that_does_not_say_where_it_lies_is_guard(make_entry) -> None:
    assert plan().split_of(make_entry("a", "mean", facts={"plane": "axial"})) is Split.GUARD
    assert plan().split_of(make_entry("a", "mean", facts={"plane": "coronal"})) is Split.TRAIN


def shared(*names: str, former: FormerKeys | None = None) -> Patients:
    source = SourceSettings(path="data/raw/x", format="images", patients="clinic")
    return Patients(dict.fromkeys(names, source), former or FormerKeys())


def test_a_patient_held_out_by_name_is_held_out_in_every_source_of_the_namespace(make_entry) -> None:
    patients = shared("mri", "ct")
    held = SplitPlan.from_settings(SplitSettings(test={"mri": ("p2",)}, slabs=(), val_share=0.0), patients)
    key = patients.key("ct", "p2")
    assert held.split_of(replace(make_entry("a", "p2", source="ct"), patient_key=key)) is Split.TEST


def test_a_slab_cuts_its_own_source_alone_whoever_shares_the_patient(make_entry) -> None:
    patients = shared("mri", "ct")
    cut = SplitPlan.from_settings(SplitSettings(test={}, slabs=(SLAB,), val_share=0.0), patients)
    known = {"facts": {"plane": "axial"}, "position": 5.0}
    own, other = (
        replace(make_entry("a", "mean", source=name, **known), patient_key=patients.key(name, "mean"))
        for name in ("mri", "ct")
    )
    assert (cut.split_of(own), cut.split_of(other)) == (Split.WITHIN_SUBJECT, Split.TRAIN)


def test_whoever_was_drawn_for_the_test_side_in_any_source_stays_there_under_the_shared_key(make_entry) -> None:
    settings = SplitSettings(test={}, slabs=(), val_share=0.2, test_share=0.2)
    apart, together = Patients(), shared("may", "june")
    changes = [
        Change(name, apart.key(name, f"p{number}"), together.key(name, f"p{number}"))
        for name in ("may", "june")
        for number in range(200)
    ]
    before = SplitPlan.from_settings(settings, apart)
    after = SplitPlan.from_settings(settings, shared("may", "june", former=FormerKeys(changes)))
    moved = 0
    for number in range(200):
        sides = {before.split_of(make_entry("a", f"p{number}", source=name)) for name in ("may", "june")}
        entry = replace(make_entry("a", source="may"), patient_key=together.key("may", f"p{number}"))
        assert (after.split_of(entry) is Split.TEST) == (Split.TEST in sides)
        assert (after.split_of(entry) is Split.TRAIN) == (sides == {Split.TRAIN})
        moved += len(sides) > 1
    assert moved > 20, "the sources drew differently before"


def test_a_listed_key_that_stands_for_nobody_stops_and_one_that_stood_for_somebody_does_not(make_entry) -> None:
    entries = [make_entry("a", "p1")]
    known, lost = entries[0].patient_key, "0" * 24
    splits = SplitSettings(test={"mri": ("nobody", known)}, slabs=(), val_share=0.0)
    check_listed(entries, [known], splits, Patients())
    with pytest.raises(
        ValueError, match=rf"no record belongs to: {lost} \(assembly\.excluded_patients\)\. .*data patients"
    ):
        check_listed(entries, [known, lost], splits, Patients())
    with pytest.raises(ValueError, match=r"assembly\.splits\.test\.mri"):
        check_listed(entries, [], SplitSettings(test={"mri": (lost,)}, slabs=(), val_share=0.0), Patients())
    check_listed(entries, [lost], splits, Patients(former=FormerKeys([Change("mri", lost, known)])))


def test_a_listed_patient_whose_records_are_all_in_quarantine_keeps_its_key_and_the_run_goes_on(make_entry) -> None:
    entries, held = [make_entry("a", "p1")], "1" * 24
    splits = SplitSettings(test={"mri": (held,)}, slabs=(), val_share=0.0)
    for excluded, of_test in (([held], SplitSettings(test={}, slabs=(), val_share=0.0)), ([], splits)):
        (notice,) = check_listed(entries, excluded, of_test, Patients(), {held})
        assert held in notice and "in quarantine" in notice and "the key stays" in notice
        with pytest.raises(ValueError, match=r"cannot be read .*mend them; only where their files are gone for good"):
            check_listed(entries, excluded, of_test, Patients())
    assert check_listed(entries, [entries[0].patient_key], splits, Patients(), {held, entries[0].patient_key}) != []
    assert (
        check_listed(entries, [entries[0].patient_key], SplitSettings(test={}, slabs=(), val_share=0.0), Patients())
        == []
    )


def test_shares_are_drawn_of_sites_where_the_recipe_says_so_and_of_patients_where_no_site_is_named(make_entry) -> None:
    drawn = SplitSettings(test={}, slabs=(SLAB,), val_share=0.2, test_share=0.3, by="site")
    by_site, by_patient = (SplitPlan.from_settings(replace(drawn, by=by), Patients()) for by in ("site", "patient"))
    sides: dict[int, set[Split]] = {}
    for number in range(40):
        for patient in range(20):
            name = f"Site  {number}" if patient % 2 else f"site {number}"
            source = ("ct", "mri")[patient % 2]
            entry = make_entry("a", f"p{number}-{patient}", source=source, facts={"hospital": name})
            sides.setdefault(number, set()).add(by_site.split_of(entry))
    assert all(len(side) == 1 for side in sides.values()), "a site stands on one side, in every source"
    assert {side for (side,) in sides.values()} == {Split.TEST, Split.VAL, Split.TRAIN}
    nameless = [make_entry("a", f"p{patient}") for patient in range(60)]
    assert [by_site.split_of(entry) for entry in nameless] == [by_patient.split_of(entry) for entry in nameless]
    cut = make_entry("a", "mean", facts={"hospital": "site 1", "plane": "axial"}, position=5.0)
    assert by_site.split_of(cut) is Split.WITHIN_SUBJECT
