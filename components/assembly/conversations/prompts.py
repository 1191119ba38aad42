"""What we ask where a source delivers a caption or a report without a question: in the language of the answer."""

import re
from collections.abc import Mapping

from components.assembly.conversations.balance import pick
from components.assembly.conversations.questions.captions import CAPTION_PROMPTS
from components.assembly.corpus import Entry
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.reading.reports import comparison_facts

CAPTIONS: Mapping[str, tuple[str, ...]] = {
    "en": CAPTION_PROMPTS,
    "es": (
        "Describe esta imagen.",
        "¿Qué muestra esta imagen?",
        "Da una breve descripción de esta imagen.",
        "¿Qué se ve aquí?",
        "Escribe un pie de foto para esta imagen.",
        "Di en una o dos frases qué muestra esta imagen.",
    ),
    "de": (
        "Beschreibe dieses Bild.",
        "Was zeigt dieses Bild?",
        "Gib eine kurze Beschreibung dieses Bildes.",
        "Was ist hier zu sehen?",
        "Schreibe eine Bildunterschrift zu diesem Bild.",
        "Sage in ein oder zwei Sätzen, was dieses Bild zeigt.",
    ),
    "fr": (
        "Décrivez cette image.",
        "Que montre cette image ?",
        "Donnez une brève description de cette image.",
        "Que voit-on ici ?",
        "Écrivez une légende pour cette image.",
        "Dites en une ou deux phrases ce que montre cette image.",
    ),
    "zh": (
        "请描述这张图像。",
        "这张图像显示了什么？",
        "请简要描述这张图像。",
        "图中可以看到什么？",
        "请为这张图像写一个标题。",
        "请用一两句话说明这张图像显示了什么。",
    ),
}
REPORTS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Write the report of this examination.",
        "Describe the findings and give your impression.",
        "Report this examination.",
        "What are the findings of this examination?",
        "Write a radiology report for what is shown.",
        "Read this examination and write down what you find.",
    ),
    "es": (
        "Escribe el informe de esta exploración.",
        "Describe los hallazgos de esta exploración.",
        "Informa esta exploración.",
        "¿Cuáles son los hallazgos de esta exploración?",
        "Redacta un informe radiológico de lo que se muestra.",
        "Lee esta exploración y escribe lo que encuentras.",
    ),
    "de": (
        "Schreibe den Befund dieser Untersuchung.",
        "Beschreibe die Befunde und gib deine Beurteilung.",
        "Befunde diese Untersuchung.",
        "Was sind die Befunde dieser Untersuchung?",
        "Schreibe einen radiologischen Befund zu dem, was zu sehen ist.",
        "Sieh dir diese Untersuchung an und schreibe auf, was du findest.",
    ),
    "fr": (
        "Rédigez le compte rendu de cet examen.",
        "Décrivez les résultats et donnez votre conclusion.",
        "Interprétez cet examen.",
        "Quels sont les résultats de cet examen ?",
        "Rédigez un compte rendu radiologique de ce qui est montré.",
        "Lisez cet examen et écrivez ce que vous trouvez.",
    ),
    "zh": (
        "请写出这次检查的报告。",
        "请描述检查所见并给出印象。",
        "请为这次检查出具报告。",
        "这次检查有哪些发现？",
        "请为所示内容写一份影像报告。",
        "请阅读这次检查并写下您的发现。",
    ),
}
FOLLOW_UP = (
    "Write the report of this examination; an earlier one was there to compare with.",
    "Report this follow-up examination.",
    "Write the report of this examination as a follow-up of an earlier one.",
    "What are the findings of this follow-up examination?",
    "Describe the findings of this follow-up and give your impression.",
    "Write a radiology report of this examination, compared with the one before.",
)
"""For English reports that speak of an earlier examination, which nobody shows."""
_EXAMINATION = (
    r"(?:(?!(?:on|in|of|with|this|these)\b)[\w-]+ ){0,3}(?:exam(?:ination)?s?|study|studies|films?|radio(?:graph|gram)s?"
    r"|x-?rays?|images?|imaging|CTs?|MRIs?|PET|scans?|ultrasounds?|reports?|mammograms?|tomogra\w+)\b"
)
_EARLIER = (
    rf"(?:prior|previous|earlier|preceding|last|most recent|old)(?: {_EXAMINATION}|(?: chest)?(?=\s*(?:[.,;)]|$)))"
)
_PRIOR = re.compile(
    rf"(?i)\b(?:unchanged|stable|new(?:ly)?|again (?:seen|noted|demonstrated|identified)"
    rf"|interval(?! (?:follow|CT|imaging|radio|film|chest))|no (?:significant |relevant |appreciable )?change"
    rf"|(?:has|have) (?:increased|decreased|improved|worsened|resolved|been removed)"
    rf"|(?<!\bno )(?<!\bany )(?<!\bwithout ){_EARLIER}"
    rf"|(?:since|than on|compar(?:ed|ison)(?: is made)? (?:to|with)) (?:the |an? )?{_EXAMINATION})"
)
"""Speaks of an earlier examination: not of an earlier illness or operation, nor of the other side."""


def own_prompt(entry: Entry, turn: Turn, answer: str) -> str | None:
    """One of ours by key for the caption or report, in its language; None where there is none in that language."""
    asks_report = turn.kind is TurnKind.REPORT
    prompts = (REPORTS if asks_report else CAPTIONS).get(entry.language)
    if asks_report and entry.language == "en" and _follows(entry, answer):
        prompts = FOLLOW_UP
    return pick(prompts, "asked", entry.id) if prompts else None


def _follows(entry: Entry, answer: str) -> bool:
    """Whether the report speaks of an earlier examination, and neither it nor its source says that there was none."""
    has_none = entry.facts.get("comparison") == "none" or comparison_facts(answer)
    return not has_none and _PRIOR.search(answer) is not None
