import subprocess
import sys

from components.sources.names.lexicon import Bloom, List, folded, is_in


def test_a_filter_finds_all_of_its_own_and_few_others():
    known = [f"word {number}" for number in range(2000)]
    bloom = Bloom.of(known)
    assert all(word in bloom for word in known)
    assert sum(f"other {number}" in bloom for number in range(10_000)) < 40
    assert Bloom.of(reversed(known)) == bloom


def test_lists_keep_case_and_forgive_accents():
    assert (
        is_in(List.EN, "walked") and is_in(List.ES, "lesión") and is_in(List.ES, "lesion") and is_in(List.DE, "Lunge")
    )
    assert is_in(List.NAME, "Nguyen") and not is_in(List.EN, "nguyen")
    assert folded("Peña Müller lesión") == "Peña Müller lesion"


def test_reading_a_public_source_loads_no_list():
    program = "import sys; import components.sources.table, components.validation.stage; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "components.sources.table" in loaded
    assert not [name for name in loaded if name.startswith("components.sources.names")]
