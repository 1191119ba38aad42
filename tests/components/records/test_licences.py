"""What a licence's text forbids: every text that an adapter writes, and what people write into tables."""

import pytest

from components.recipes.assembly import LICENCE_WORDS, LicenceSettings
from components.records.licences import licence_words, refused_word


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("CC BY 4.0 (Kvasir, Simula)", ()),
        ("CC0 1.0 (VQA-RAD)", ()),
        ("Apache-2.0 (TotalSegmentator 2.18.0)", ()),
        ("BSD-3-Clause (stardist 0.9.2)", ()),
        ("no restriction (NIH ChestX-ray14)", ()),
        ("ICBM 2009a notice (free use with attribution, McConnell Brain Imaging Centre)", ()),
        ("CC BY-SA 3.0 (IXI, brain-development.org)", ("SA",)),
        ("CC BY-NC 4.0 (SynthRAD2023)", ("NC",)),
        ("CC BY-NC-ND 4.0 (Open-i, Indiana University)", ("NC", "ND")),
        ("CC BY-NC-SA 4.0 (SA-Med2D-20M); each set's own terms", ("NC", "SA", "unknown")),
        ("CC BY-NC 4.0 (LLaVA-Med); figures under their articles' licences", ("NC", "unknown")),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", ("NC", "ND")),
        ("CC-BY-NC4.0", ("NC",)),
        ("Creative Commons Attribution Non-Commercial No Derivatives", ("NC", "ND")),
        ("Attribution-ShareAlike", ("SA",)),
        ("Apache-2.0 with Commons Clause (DeepLIIF)", ("NC",)),
        ("non-commercial research (BCI)", ("NC",)),
        ("competition rules (RSNA Pneumonia Detection)", ("NC",)),
        ("terms of the BraTS challenge, research use", ("NC",)),
        ("Stanford agreement, not to be passed on (CheXpert)", ("NC",)),
        ("research use, licence not stated (TBX11K)", ("NC", "unknown")),
        ("unknown", ("unknown",)),
        ("", ("unknown",)),
        ("ours", ()),
        ("Sant Pau and Nduka hospitals, CC BY 4.0", ()),
    ],
)
def test_a_licence_says_what_it_forbids(licence, words):
    assert licence_words(licence) == words


def test_the_first_refused_word_that_holds_is_the_reason():
    assert refused_word("CC BY-NC-ND", ("SA", "ND", "NC"), is_lent=False) == "ND"
    assert refused_word("CC BY 4.0", LICENCE_WORDS, is_lent=False) == ""
    assert refused_word("CC BY 4.0", LICENCE_WORDS, is_lent=True) == "lent"
    assert refused_word("CC BY 4.0", ("NC",), is_lent=True) == ""


def test_an_unknown_word_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"assembly\.licences\.refuse: unknown 'BY'; known: NC, ND, SA"):
        LicenceSettings(refuse=("NC", "BY"))
