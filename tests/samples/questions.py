"""Question sets in the layout in which they are published; all that is asked and answered is made here."""

import json
from itertools import product
from pathlib import Path

QUESTIONS = {
    "CT": (("Which organ is largest here?", "Liver", "OPEN"), ("Is there a lung?", "No", "CLOSED")),
    "MRI": (("What is the main organ?", "Brain", "OPEN"), ("Is it a T2 image?", "Yes ", "CLOSED ")),
    "X-Ray": ((" Where is the heart? ", "In the middle", "OPEN"), ("Is the heart healthy?", "Yes", "CLOSED")),
}
CHINESE = {"CT": ("图中最大的器官是什么?", "肝"), "MRI": ("主要器官是什么?", "脑"), "X-Ray": ("心脏在哪里?", "中间")}
LOCATIONS = {"CT": "Abdomen", "MRI": "Brain_Tissue", "X-Ray": "Chest_heart"}
SLAKE_IMAGES = 12


def slake(folder: Path) -> None:
    """Questions are split and images are not; one in ten has no answer, and a number may stand for one."""
    splits: dict[str, list[dict[str, object]]] = {"train": [], "validate": [], "test": []}
    number = 0
    for image, name in product(range(SLAKE_IMAGES), splits):
        modality = tuple(QUESTIONS)[image % 3]
        asked = [("en", *question) for question in QUESTIONS[modality]] * 2 + [("zh", *CHINESE[modality], "OPEN")] * 2
        for language, question, answer, kind in asked:
            number += 1
            splits[name].append(
                {
                    "img_id": image,
                    "img_name": f"xmlab{image}/source.jpg",
                    "question": question,
                    "answer": "" if number % 10 == 0 else answer,
                    "q_lang": language,
                    "location": LOCATIONS[modality],
                    "modality": modality,
                    "answer_type": kind,
                    "base_type": "vqa",
                    "triple": ["vhead", "_", "_"],
                    "qid": number,
                    "content_type": "Organ",
                }
            )
    for name, rows in splits.items():
        write(folder / "Slake1.0" / f"{name}.json", json.dumps(rows, ensure_ascii=False))


def pathvqa(folder: Path) -> None:
    rows = [
        {"Image_ID": f"Fig.{figure}", "Questions": question, "Answers": answer}
        for figure in range(1, 9)
        for question, answer in (("What is stained here ?", "the nuclei"), ("Is this tissue ?", "yes"))
    ]
    write(folder / "QA_pairs_vb.json", json.dumps(rows, indent=0))


def vqa_med_2019(folder: Path) -> None:
    """id|category|question|answer#another answer, and the same without answers."""
    asked = (
        ("modality", "what modality is shown?", "ct - plain#ct"),
        ("plane", "in what plane is this taken?", "axial"),
        ("organ", "which organ is this? ", "lung, mediastinum"),
        ("abnormality", "what is abnormal here?", "cyst#simple cyst#renal cyst"),
    )
    lines = [(f"synpic{10000 + 7 * (n // 2)}", *asked[n % 4]) for n in range(60)]
    name = "VQAMed2019_Test_Questions"
    write(folder / f"{name}_w_Ref_Answers.txt", "\n".join("|".join(line) for line in lines))
    write(folder / f"{name}.txt", "\n".join(f"{line[0]}|{line[2]}" for line in lines))
    write(folder / "README.md", "# Visual questions\n\nThe form of the published set, with rows made for tests.\n")


def rad_restruct(folder: Path) -> None:
    """One file a report: [question, answers, questions above with their answers, what may be answered]."""
    yes_no = {"answer_type": "single_choice", "options": ["yes", "no"]}
    side = {"answer_type": "single_choice", "options": ["left", "right", "both"]}
    part = {"answer_type": "multi_choice", "options": ["apex", "base", "hilum", "no selection"]}
    above = ["Is there a sign in the lung?", ["yes"]]
    for number in range(100, 106):
        found = number % 2 == 0
        rows: list[list[object]] = [["Is there a foreign object?", ["no"], [], yes_no | {"path": "objects"}]]
        rows.append([above[0], ["yes" if found else "no"], [], yes_no | {"path": "lung"}])
        if found:
            deeper = [above, ["On which side?", ["left"]]]
            rows.append(["On which side?", ["left"], [above], side | {"path": "lung_side"}])
            rows.append(["In which part?", ["apex", "hilum"], deeper, part | {"path": "lung_side_part"}])
        write(folder / f"{number}.json", json.dumps(rows))
    options = ("apex", "base", "both", "hilum", "left", "no", "no selection", "right", "yes")
    write(folder / "answer_options.json", json.dumps({word: number for number, word in enumerate(options)}))


def cares(folder: Path) -> None:
    """Every row is number 0 of itself."""
    choose = "Please choose from the following two options: [yes, no]\n<image>"
    lines = []
    for number, (what, answer) in enumerate((("a tube", "No."), ("the heart", "Yes."), ("a rib", "Yes."))):
        question = f"Is {what} seen? {choose}"
        image = f"CXR{900 + number}_IM-0001/0.png"
        row = {"question": question, "answer": answer, "image": image, "question_id": 0, "text": question}
        lines.append(json.dumps(row))
    write(folder / "iuxray_factuality.jsonl", "\n".join(lines) + "\n")


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding)
