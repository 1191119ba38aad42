"""What sections of reports are headed with, in the languages that reports are read in."""

import unicodedata

_WORDS = {
    "en": {
        "findings": "findings|finding|findings and impression|findings/impression",
        "impression": "impression|impressions|conclusion|conclusions",
        "addendum": "addendum|final addendum|addendum to impression",
        "wet read": "wet read|wet read version|wetread|preliminary report",
        "other": "final report|examination|exam|exams|study|type of examination|indication|indications|history"
        "|clinical history|clinical information|clinical indication|reason for exam|reason for examination"
        "|reason for the exam|technique|comparison|comparisons|comparison study|recommendation|recommendations"
        "|recommendation(s)|notification|notifications|dictated by",
    },
    "de": {
        "findings": "befund|befunde|beschreibung|radiologischer befund|röntgenbefund",
        "impression": "beurteilung|zusammenfassung|zusammenfassende beurteilung|befund und beurteilung|ergebnis",
        "addendum": "nachtrag|addendum zum befund",
        "other": "fragestellung|klinische angaben|klinische angabe|anamnese|klinik|rechtfertigende indikation|indikation"
        "|technik|untersuchungstechnik|untersuchung|vergleich|voraufnahmen|voruntersuchung|voruntersuchungen|empfehlung"
        "|empfehlungen",
    },
    "es": {
        "findings": "hallazgos|hallazgo|informe|descripción|hallazgos radiológicos",
        "impression": "conclusión|conclusiones|impresión|impresión diagnóstica|juicio diagnóstico",
        "addendum": "adenda|adendum",
        "other": "indicación|indicaciones|motivo de consulta|motivo del estudio|datos clínicos|información clínica"
        "|antecedentes|técnica|comparación|estudio|exploración|recomendación|recomendaciones",
    },
    "fr": {
        "findings": "résultat|résultats|compte rendu|compte-rendu|constatations",
        "impression": "synthèse",
        "other": "renseignements cliniques|motif|comparaison|recommandation|recommandations",
    },
    "it": {
        "findings": "referto|reperti|reperto|descrizione",
        "impression": "conclusioni|conclusione|impressione|impressione diagnostica",
        "other": "quesito clinico|quesito diagnostico|indicazione|tecnica|confronto|raccomandazioni",
    },
    "nl": {
        "findings": "bevindingen|bevinding|verslag",
        "impression": "conclusie|indruk",
        "other": "vraagstelling|klinische gegevens|indicatie|techniek|vergelijking|aanbeveling",
    },
}
"""Language -> kind of a section -> its heads. Heads that languages write alike stand under the first."""
LABELS = {
    "de": {"findings": "Befund", "impression": "Beurteilung", "addendum": "Nachtrag"},
    "es": {"findings": "Hallazgos", "impression": "Conclusión", "addendum": "Adenda"},
    "fr": {"findings": "Résultats", "impression": "Conclusion", "addendum": "Addendum"},
    "it": {"findings": "Reperti", "impression": "Conclusioni", "addendum": "Addendum"},
    "nl": {"findings": "Bevindingen", "impression": "Conclusie", "addendum": "Addendum"},
}
"""Language -> kind -> how a report that we write in it heads the section; in English the kind itself."""


def folded(head: str) -> str:
    """A head in lower case without accents, as the tables have it."""
    letters = unicodedata.normalize("NFKD", head.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


HEADS: dict[str, str] = {}
"""A section's head, folded -> findings, impression, addendum, wet read or other."""
_SPOKEN: dict[str, set[str]] = {}
for _language, _kinds in _WORDS.items():
    for _kind, _heads in _kinds.items():
        for _head in _heads.split("|"):
            HEADS.setdefault(folded(_head), _kind)
            for _spelling in {_head, folded(_head)}:
                _SPOKEN.setdefault(_spelling, set()).add(_language)


def language_of_head(head: str) -> str:
    """The language that alone has this head, written with its accents or without; empty where several have it."""
    owners = _SPOKEN.get(head.casefold()) or _SPOKEN.get(folded(head)) or ()
    return next(iter(owners)) if len(owners) == 1 else ""
