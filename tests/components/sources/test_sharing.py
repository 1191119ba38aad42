"""What was lent goes to no remote that others may read, whatever format it comes in."""

import pytest

from components.recipes.sources import SourceSettings
from components.sources.formats import CORPUS, GENERAL, PUBLIC
from components.sources.sharing import LENT_FORMATS, check_sharing, lent_sources
from components.sources.table import MODULES, read_source


def lent(format_name, **options):
    return {"a": SourceSettings(path="data/raw/a", format=format_name, options=options)}


@pytest.mark.parametrize("format_name", sorted(LENT_FORMATS))
def test_a_lent_set_goes_to_no_remote_until_the_recipe_says_so(format_name):
    assert format_name in MODULES
    check_sharing(lent(format_name), "")
    check_sharing(lent(format_name, share=True), "s3://bucket")
    with pytest.raises(ValueError, match=r"s3://bucket .* a \(.+\); .*options.share to true"):
        check_sharing(lent(format_name), "s3://bucket")


@pytest.mark.parametrize("format_name", sorted({*GENERAL, *CORPUS, *PUBLIC} - set(LENT_FORMATS)))
def test_any_other_source_can_say_that_it_was_lent_and_how(format_name, tmp_path):
    assert lent_sources(lent(format_name)) == {}
    check_sharing(lent(format_name), "s3://bucket")
    told = lent(format_name, lent=True, terms="by the university's eye clinic until 2027")
    assert lent_sources(told) == {"a": "by the university's eye clinic until 2027"}
    with pytest.raises(ValueError, match=r"a .*by the university's eye clinic until 2027\)"):
        check_sharing(told, "s3://bucket")
    check_sharing(lent(format_name, lent=True, share=True), "s3://bucket")
    read_source(tmp_path, "a", told["a"])  # the adapter takes the options


def test_a_set_that_is_lent_has_no_word_against_it(tmp_path):
    with pytest.raises(ValueError, match="format 'brats' has no option 'lent'"):
        read_source(tmp_path, "a", lent("brats", lent=False)["a"])
