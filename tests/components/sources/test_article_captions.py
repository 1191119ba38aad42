"""Sets of captions and talk from articles in the layouts that their documentation describes, with drawn images: no real
download lies with the samples."""

import json
from collections import Counter

from components.records.record import LeftOut
from components.records.vocabulary import Modality, Split, TurnKind


def test_pmc_oa_json_lines_keep_article_licence_and_split(read, draw, tmp_path):
    for number in range(2):
        draw(tmp_path / "caption_T060_filtered_top4_sep_v0_subfigures" / f"PMC12_Fig1_{number}.jpg", number)
    rows = [
        {"image": "PMC12_Fig1_0.jpg", "caption": " Axial CT. ", "license": "CC BY-NC"},
        {"image": "PMC12_Fig1_1.jpg", "caption": "MRI."},
        {"image": "PMC13_Fig1_0.jpg", "caption": "Gone."},
        {"image": "PMC12_Fig1_0.jpg", "caption": ""},
    ]
    (tmp_path / "valid.jsonl").write_text("\n".join(map(json.dumps, rows)))
    records, unreadable = read(tmp_path, "pmc-oa")
    assert Counter(item.reason for item in unreadable) == {"missing image": 1, "missing field": 1}
    first, second = records.values()
    assert (first.turns[0].answer, first.turns[0].kind) == ("Axial CT.", TurnKind.CAPTION)
    assert first.subject == second.subject == "PMC12" and first.delivered_split is Split.VAL
    assert first.licence == "CC BY-NC" and "not stated" in second.licence


def test_pmc_oa_csv_states_its_article_with_or_without_letters(read, draw, tmp_path):
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        draw(tmp_path / "figures" / name, number)
    (tmp_path / "train.csv").write_text(
        'PMC_ID,Figure_path,Caption\nPMC7,a.jpg,"CT, axial."\n7,b.jpg,MRI.\n,c.jpg,X.\n'
    )
    records, (item,) = read(tmp_path, "pmc-oa")
    assert [record.subject for record in records.values()] == ["PMC7", "PMC7"]
    assert item.reason == "missing field" and "'c.jpg'" in item.detail


def conversation(**more):
    talk = [{"from": "human", "value": "What is seen?\n<image>"}, {"from": "gpt", "value": "A nodule."}]
    return {"conversations": talk, **more}


def test_llava_med_s_patient_is_the_article_and_its_list_of_addresses_is_no_row(read, draw, tmp_path):
    for number, name in enumerate(("27256066_F1.jpg", "27256066_F2.jpg", "figure.jpg")):
        draw(tmp_path / "images" / name, number)
    misspelt = conversation(id="27256066_F2", image="27256066_F2.jpg")
    misspelt["conversatons"] = misspelt.pop("conversations")
    rows = [
        conversation(id="27256066_F1", image="27256066_F1.jpg", domain={"chest_xray": True, "mri": False}),
        misspelt,
        conversation(id="99999999_F1", image="99999999_F1.jpg"),
        conversation(id="x", image="figure.jpg"),
    ]
    (tmp_path / "llava_med_instruct_10k.json").write_text(json.dumps(rows))
    (tmp_path / "llava_med_image_urls.jsonl").write_text('{"pair_id": "27256066_F1"}')
    records, unreadable = read(tmp_path, "llava-med")
    assert [record.subject for record in records.values()] == ["PMID27256066"] * 2, "a bare number is a PubMed id"
    assert next(iter(records.values())).modality is Modality.XRAY
    assert Counter(item.reason for item in unreadable) == {"missing image": 1, "missing field": 1, "unknown file": 1}


def test_pubmedvision_takes_all_images_of_a_row_and_nothing_that_a_model_predicted(read, draw, tmp_path):
    for number in range(2):
        draw(tmp_path / "images" / f"pmc_9_{number}.jpg", number)
    pair = conversation(id="a", image=["images/pmc_9_0.jpg", "images/pmc_9_1.jpg"], modality="CT", body_part="lung")
    pair["conversations"][0]["value"] = "What is seen?"
    gone = conversation(id="b", image=["images/pmc_10_0.jpg"], modality="CT")
    (tmp_path / "PubMedVision_Alignment_VQA.json").write_text(json.dumps([pair, gone]))
    records, (item,) = read(tmp_path, "pubmedvision")
    (record,) = records.values()
    assert len(record.more_images) == 1 and record.subject == "pmc_9"
    assert record.modality is Modality.UNKNOWN and item.reason == "missing image"


def test_quilt_s_patient_is_the_video_whatever_its_id_is_made_of(read, draw, tmp_path):
    names = ("-a_image_x_1_image_22.jpg", "b_c-d_image_1.jpg", "b_c-d_image_2.jpg", "post.png")
    for number, name in enumerate(names):
        draw(tmp_path / "quilt_1m" / name, number)
    lines = [f"Gland {number}.,{name},quilt,train,\"['Soft tissue']\"" for number, name in enumerate(names)]
    (tmp_path / "quilt_1M_lookup.csv").write_text("\n".join(["caption,image_path,subset,split,pathology", *lines]))
    records, unreadable = read(tmp_path, "quilt-1m")
    subjects = [record.subject for record in records.values()]
    assert subjects[:3] == ["-a", "b_c-d", "b_c-d"] and len(set(subjects)) == 3 and not unreadable
    assert {record.modality for record in records.values()} == {Modality.HISTOPATHOLOGY}


def test_compound_figures_are_left_out_of_every_set_of_article_figures(read, draw, tmp_path):
    """One figure of two panels and one of one in each set."""
    both, one = "(A) Axial CT. (B) Coronal CT.", "Axial CT of the liver."

    def found(folder: str, format_name: str) -> Counter[str]:
        records, unreadable = read(tmp_path / folder, format_name)
        assert len(records) == 1 and all(isinstance(item, LeftOut) for item in unreadable), format_name
        return Counter(item.reason for item in unreadable)

    for folder, names in {
        "oa": ("PMC1_a.jpg", "PMC2_b.jpg"), "med": ("1234567_F1.jpg", "1234568_F1.jpg"),
        "pub": ("pmc_1_0.jpg", "pmc_2_0.jpg"), "vqa": ("PMC1_F1.jpg", "PMC2_F1.jpg"),
    }.items():  # fmt: skip
        for number, name in enumerate(names):
            draw(tmp_path / folder / "images" / name, number)
    rows = [{"image": "PMC1_a.jpg", "caption": both}, {"image": "PMC2_b.jpg", "caption": one}]
    (tmp_path / "oa" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    talks = []
    for name, words in (("F1", both), ("F2", one)):
        talk = conversation(id=name)
        talk["conversations"][1]["value"] = words
        talks.append(talk)
    first, second = talks
    med = [{**second, "image": "1234567_F1.jpg", "fig_caption": both}, {**second, "image": "1234568_F1.jpg"}]
    (tmp_path / "med" / "llava_med_instruct_60k.json").write_text(json.dumps(med))
    pub = [{**first, "image": ["images/pmc_1_0.jpg"]}, {**second, "image": ["images/pmc_2_0.jpg"]}]
    (tmp_path / "pub" / "PubMedVision_Alignment_VQA.json").write_text(json.dumps(pub))
    head = "index,Figure_path,Caption,Question,Choice A,Choice B,Choice C,Choice D,Answer,split\n"
    rest = '"{}",Which?,A:one,B:two,C:three,D:four,C,train\n'
    (tmp_path / "vqa" / "train_2.csv").write_text(
        head + "0,PMC1_F1.jpg," + rest.format(both) + "1,PMC2_F1.jpg," + rest.format(one)
    )
    for folder, format_name in (("oa", "pmc-oa"), ("med", "llava-med"), ("pub", "pubmedvision"), ("vqa", "pmc-vqa")):
        assert found(folder, format_name) == {"compound figure": 1}, format_name


def test_an_article_of_pmc_says_so_and_a_bare_number_is_a_pubmed_id(read, draw, tmp_path):
    for number, name in enumerate(("17506892_F1.jpg", "PMC17506892_F1.jpg")):
        draw(tmp_path / "images" / name, number)
    rows = [conversation(id=str(n), image=name) for n, name in enumerate(("17506892_F1.jpg", "PMC17506892_F1.jpg"))]
    (tmp_path / "llava_med_instruct_10k.json").write_text(json.dumps(rows))
    records, _ = read(tmp_path, "llava-med")
    assert [record.subject for record in records.values()] == ["PMID17506892", "PMC17506892"]
