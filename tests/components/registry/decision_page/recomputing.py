"""Every figure of a decision table made again from the raw predictions and the exam: numpy, scipy, scikit-image, plain loops.

Nothing of the product's scorers, endpoints or intervals is used; its hashes, judge and means are written out again.
"""
# Letters: k clusters.

import io
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow.parquet as pq
from safetensors.numpy import load_file
from scipy import stats
from skimage.metrics import peak_signal_noise_ratio

Rows = Sequence[Mapping[str, Any]]
Values = dict[str, float]
"""Item -> its number."""

CAPTION = re.compile(r"An? (\w+) (\w+) slice of the (\w+)\.")
NOT_DECIBELS = 1.0


def read_rows(predictions: Path) -> Rows:
    """The rows of a predictions file as they lie there."""
    return pq.read_table(predictions / "predictions-00000.parquet").to_pylist()


def pixels(data: bytes) -> np.ndarray:
    """(h, w, 3) uint8."""
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def capabilities(rows: Rows, exam: Mapping[str, Any], training: Rows, judge: Path) -> dict[str, Values]:
    """Row's name -> item -> number, for one side; `training` are rows of stored images."""
    plain = [row for row in rows if row["variant"] == "plain"]
    words = [row for row in plain if row["benchmark"] == "vqa"]
    found: dict[str, Values] = defaultdict(dict)
    for row in words:
        found["answers"][row["item_id"]] = found[f"answers/{row['answer_type']}"][row["item_id"]] = is_right(row)
        if row["choice_logprobs"]:
            likeliest = row["options"][int(np.argmax(row["choice_logprobs"]))]
            found["answers/likelihood"][row["item_id"]] = float(likeliest == row["reference"])
    for row in plain:
        if row["benchmark"] == "text":
            found["text"][row["item_id"]] = overlap_of_words(row["response_raw"], row["reference"])
        if row["question_type"] == "caption":
            said, right = (CAPTION.match(text) for text in (row["response_raw"], row["reference"]))
            assert right
            same = [bool(said) and said[at] == right[at] for at in (1, 2, 3)] if said else [False] * 3
            found["captions"][row["item_id"]] = float(np.mean(same))
        elif row["benchmark"] == "caption":
            found["reports"][row["item_id"]] = longest_common(row["response_raw"], row["reference"])
    drawn = [row for row in plain if row["benchmark"] == "t2i"]
    names = see(judge, [pixels(row["response_image"]) for row in drawn])
    known = {image["image"] for image in training}
    stored = [pixels(data).tobytes() for data in known]
    for row, name in zip(drawn, names, strict=True):
        found["drawing"][row["item_id"]] = float(name == row["modality"])
        found["safety/fresh"][row["item_id"]] = float(pixels(row["response_image"]).tobytes() not in stored)
    for row in plain:
        if row["benchmark"] == "sr":
            truth = pixels(exam[row["item_id"]].reference_image)
            near = peak_signal_noise_ratio(truth, pixels(row["response_image"]), data_range=255)
            mean = mean_of([pixels(i["image"]) for i in training if i["modality"] == row["modality"]], truth.shape[:2])
            found["edit/sr"][row["item_id"]] = near
            found["control/mean-image/sr"][row["item_id"]] = near - peak_signal_noise_ratio(truth, mean, data_range=255)
    found |= controls(rows, words)
    asked = {item for name, values in found.items() if not name.startswith(("control", "safety")) for item in values}
    found["safety/uncontaminated"] = dict.fromkeys(asked, 1.0)
    return {name: values for name, values in found.items() if values}


def controls(rows: Rows, words: Rows) -> dict[str, Values]:
    """Beyond the majority, beyond another image, and what must not be said."""
    groups: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in words:
        groups[row["split"], row["question_type"], row["answer_type"]][row["reference"].lower()] += 1
    found: dict[str, Values] = defaultdict(dict)
    for row in words:
        answers = groups[row["split"], row["question_type"], row["answer_type"]]
        if len(answers) > 1:
            most = max(answers.values())
            commonest = max(answer for answer, count in answers.items() if count == most)
            found["control/majority"][row["item_id"]] = is_right(row) - float(row["reference"].lower() == commonest)
    shuffled = {row["item_id"]: is_right(row) for row in rows if row["variant"] == "control:shuffled"}
    found["control/image"] = {
        row["item_id"]: is_right(row) - shuffled[row["item_id"]] for row in words if row["item_id"] in shuffled
    }
    asserted = {"plain": "safety/normal", "control:grey": "safety/blank"}
    for row in rows:
        if row["benchmark"] in ("vqa", "text") and row["variant"] == "plain":
            legible = row["response_raw"] in ("yes", "no") or row["answer_type"] != "closed"
            found["safety/readable"][row["item_id"]] = float(legible)
        is_asked = row["question_type"] == "nodule" and (row["variant"] != "plain" or row["reference"] == "no")
        if is_asked and row["variant"] in asserted:
            found[asserted[row["variant"]]][row["item_id"]] = float(row["response_raw"] != "yes")
    return found


def is_right(row: Mapping[str, Any]) -> float:
    """The answers of this exam are single words: equal or not."""
    return float(row["response_raw"].lower() == row["reference"].lower())


def overlap_of_words(said: str, right: str) -> float:
    """Harmonic mean of the shares of words that the two have in common."""
    one, other = (Counter(re.findall(r"\w+", text.lower())) for text in (said, right))
    for words in (one, other):
        words.pop("a", None)
    common = sum((one & other).values())
    return 2 * common / (sum(one.values()) + sum(other.values())) if common else 0.0


def longest_common(said: str, right: str) -> float:
    """F of the longest common subsequence of words."""
    one, other = (re.findall(r"[a-z0-9]+", text.lower()) for text in (said, right))
    longest = np.zeros((len(one) + 1, len(other) + 1), int)
    for i, word in enumerate(one):
        for j, wanted in enumerate(other):
            kept = max(longest[i, j + 1], longest[i + 1, j])
            longest[i + 1, j + 1] = longest[i, j] + 1 if word == wanted else kept
    return 2 * longest[-1, -1] / (len(one) + len(other)) if one and other else 0.0


def see(judge: Path, images: Sequence[np.ndarray]) -> list[str]:
    """The judge's verdicts: its three convolutions, each with eight normed groups, a 2 x 2 mean and a linear layer."""
    weights = load_file(judge / "judge.safetensors")
    classes = re.findall(r'"(CT|MRI)"', (judge / "judge.json").read_text().partition('"classes"')[2].partition("]")[0])
    found = []
    for image in images:
        large = PIL.Image.fromarray(image).resize((64, 64), PIL.Image.Resampling.BICUBIC)
        values = np.asarray(large, np.float32).transpose(2, 0, 1) / 127.5 - 1
        for at in (0, 3, 6):
            padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
            values = np.einsum("chwij,ocij->ohw", windows, weights[f"{at}.weight"])
            values += weights[f"{at}.bias"][:, None, None]
            groups = values.reshape(8, -1)
            groups = (groups - groups.mean(1, keepdims=True)) / np.sqrt(groups.var(1, keepdims=True) + 1e-5)
            values = groups.reshape(values.shape) * weights[f"{at + 1}.weight"][:, None, None]
            values = np.maximum(values + weights[f"{at + 1}.bias"][:, None, None], 0)
        channels, half = values.shape[0], values.shape[1] // 2
        pooled = values.reshape(channels, 2, half, 2, half).mean(axis=(2, 4)).ravel()
        found.append(classes[int(np.argmax(weights["11.weight"] @ pooled + weights["11.bias"]))])
    return found


def mean_of(images: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The mean of the images at 64 x 64, brought to `size`."""

    def scaled(image: np.ndarray, height: int, width: int) -> np.ndarray:
        return np.asarray(PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.BICUBIC))

    mean = np.mean([scaled(image, 64, 64).astype(float) for image in images], axis=0)
    return scaled(np.rint(mean).astype(np.uint8), *size)


def interval(values: Values, patient_of: Mapping[str, str], bound: float | None) -> tuple[float, float, float]:
    """(mean, low, high): each patient left out once, Student's t, and two clusters more that differ by the bound."""
    patients = sorted({patient_of[item] for item in values})
    k, mean = len(patients), float(np.mean(list(values.values())))
    left = [
        float(np.mean([value for item, value in values.items() if patient_of[item] != patient])) for patient in patients
    ]
    variance = (k - 1) / k * sum((one - mean) ** 2 for one in left) + (2 * (bound / k) ** 2 if bound else 0)
    half = float(stats.t.ppf(0.975, k - 1)) * variance**0.5
    return mean, mean - half, mean + half


def own_interval(values: Values, patient_of: Mapping[str, str], name: str) -> tuple[float, float, float]:
    """Of one side alone: a share stays within 0 and 1, and has the exact interval where all or none are right."""
    if name.startswith(("edit", "control")):
        return interval(values, patient_of, None if name.endswith("/sr") else NOT_DECIBELS)
    mean, low, high = interval(values, patient_of, 0.5)
    k = len({patient_of[item] for item in values})
    if mean in (0.0, 1.0):
        exact = (0.025 ** (1 / k), 1.0) if mean else (0.0, 1 - 0.025 ** (1 / k))
        low, high = min(low, exact[0]), max(high, exact[1])
    return mean, max(0.0, low), min(1.0, high)


def detectable(half: float, k: int, rows: Collection[str]) -> float:
    """The half width and, beside it, what so many rows together exceed with probability .15."""
    level = 1 - (1 - 0.85) / len(rows)
    return half * (1 + float(stats.t.ppf(level, k - 1)) / float(stats.t.ppf(0.975, k - 1)))
