"""Words of medicine: by list, or by how medicine makes its words in English, German and Spanish."""

import re
from functools import lru_cache

from components.sources.names.lexicon import List, folded, is_in, vocabulary

_SUFFIX = re.compile(
    r"(?:itis|itiden|osis|osen|ose|omas|omen|omata|oma?tose|omatosis|pathy|pathie|pathien|pat[ií]as?|ectomy|ektomie|ectom[ií]a|otomy|otomie|otom[ií]a"
    r"|ostomy|ostomie|ostom[ií]a|plasty|plastie?k?|plast[ií]a|graphy|graphie|graf[ií]as?|gramm?e?|scopy|skopie|scopia|logy|logie|log[ií]a|megaly|megalie|megalia|emia|[äa]mie|uria|urie"
    r"|algia|algie|plegia|plegie|paresis|parese|sclerosis|sklerose|esclerosis|stenosis|stenose|ectasis|ektas[ie]e?|ectasia|ektasie|malacia|malazie|penia|penie|trophy|trophie|trofia|cele|zele|lysis|lyse|lisis|rrhage|rrhagie|rragia|rrhea|rrhoe"
    r"|listh?es[ei]s?|mening(?:es|en|eas)|pl[oó]n|genesis|genese|ometer|metrie|metr[ií]a|zyten|cytes?|citos?|oma|tion(?:en)?|sion(?:en)?|ierung(?:en)?|ungen|heit|keit|schaft|ismus|it[äa]t(?:en)?|idad(?:es)?|mente|amab|imab|umab|tinib|statin|sartan|cillin|mycin|azole|iasis|iases)$"
)
"""How diseases, procedures and drugs end; hardly a name does."""
_ENDING = re.compile(
    r"(?:iert(?:e[rnms]?)?|ci[oó]n|ciones|si[oó]n|siones|ismo?s?|ung|tic|tisch|tische[rnms]?|ische[rnms]?|al|ale[rnms]?|ell|elle[rnms]?|ly|ness|ment|able|ible|ous|ed|ing"
    r"|pril|olol|azol|idin|idon|om|ome|oms|ie|ien|tio|chen|ianus|iana|inus|alis|aris|icus|ica|mientos?|uras?|ajes?|ic[oa]s?|os[oa]s?|ad[oa]s?|id[oa]s?|ador|adora|ares)$"
)
"""How ordinary words of reports end, and many names: Browning, Salgado, Randal."""
_STEM = re.compile(
    r"^(?:"
    r"hepato|spleno|cardio|kardio|pneumo|arthro|artro|chondro|condro|hemo|haemo|h[äa]mo|hidro|hydro|nephro|nefro|uretero|gastro|entero|cholecysto"
    r"|cholezysto|colecisto|choledocho|coledoco|pyelo|pielo|broncho|bronquio|bronco|thoraco|thorako|toraco|craneo|cranio|kranio|cervico|zerviko|lumbo|dorso"
    r"|pseudo|contra|kontra|mammo|mamo|venö|venos|arteri|pleur|peritone|medias|medi[aá]st|parench|parénq|pulmon|vertebr|duoden|pancre|pankre|sigmo|rekt"
    r"|rect|prostat|pr[oó]st|uter|ovar|adren|suprar|nebennier|schilddr|hilus|hil[ia]|atelect|atelekt|condil|kondyl|flebo|phlebo|esofag|[oö]esoph|costo"
    r"|costal|costill|diaf|apof|apoph|odonto|acetab|azetab|iliac|iliak|sacro|sakro|femor|tibio|peron|escapul|skapul|esternal|sternal|mening|perika"
    r"|peric[aá]rd|endocard|endokard|cerebr|zerebr|enceph|enzeph|encefal|ventr[ií]c|ventrik|lobul|lobar|segment|alveol|kalkan|calc[aá]n|calcif|kalzif"
    r"|verkalk|divertik|divert[ií]c|fissur|granul|tumor|nodul|zyst|cyst|quist|embol|thromb|tromb|isch[äa]m|isqu[eé]m|infiltr|rezess|reces|rekess|ruptur"
    r"|läsion|lesion|varik|regred|progred|spondyl|espondil|discop|diskop|menis|ligament|tend[io]|synov|sinov|capsul|kapsul|medull|medul|hipoc|hypoc|osif"
    r"|ossif|esclero|sklero|sclero|fract|frakt|luxa|subluxa|consolid|konsolid|opaci|densid|ecogen|echogen|engros|dilat|esten|stenos|oclus|okklus|obstruc"
    r"|obstruk|perfor|necro|nekro|atrof|atroph|hipertr|hypertr|metast|neopl|carcin|karzin|adeno|linf|lymph|leuco|leuko|eritro|erythro|trombo|thrombo|dorsal"
    r"|ventral"
    r")"
)
"""How words of medicine begin; hardly a name does."""
_PREFIX = re.compile(
    r"^(?:"
    r"neumo|neuro|osteo|myo|mio|lipo|fibro|angio|colo|kolo|peri|retro|intra|extra|infra|supra|sub|inter|hyper|hiper|hypo|hipo|poly|poli|micro|mikro|macro"
    r"|makro|multi|trans|anti|endo|para|meta|post|pre|prä|semi|bi|tri|dys|dis|radio|sono|echo|eco|tomo|epi|hemi|aero|orto|ortho|naso|oro|basal|apik|apic"
    r"|kaud|caud|kran|cran"
    r")"
)
"""How many of them begin, and names too: what follows says which (Subramanian, Bianchi)."""


@lru_cache(maxsize=2**16)
def is_of_medicine(word: str) -> bool:
    """Whether the word is of medicine, or looks like an ordinary word of its reports."""
    small = folded(word.lower())
    return is_clearly_of_medicine(word) or (
        len(small) > 6 and bool(_ENDING.search(small) or _is_prefixed(small, by_ending=True))
    )


@lru_cache(maxsize=2**16)
def is_clearly_of_medicine(word: str) -> bool:
    """Whether the word is of medicine by list, or made as only medicine makes its words."""
    small = word.lower()
    if small in vocabulary()["report"] or is_in(List.MEDICAL, small) or is_in(List.MEDICAL, small.capitalize()):
        return True
    plain = folded(small)
    return len(plain) > 6 and bool(_SUFFIX.search(plain) or _STEM.search(plain) or _is_prefixed(plain, by_ending=False))


def _is_prefixed(small: str, *, by_ending: bool) -> bool:
    """Whether a prefix of medicine stands before a word that some list has or, with `by_ending`, that ends like one."""
    found = _PREFIX.match(small)
    if not found:
        return False
    rest = small[found.end() :]
    lists = (List.EN, List.DE, List.ES, List.MEDICAL)
    return len(rest) > 3 and (
        any(is_in(name, word) for name in lists for word in (rest, rest.capitalize()))
        or (by_ending and bool(_ENDING.search(rest)))
    )
