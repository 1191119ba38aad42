"""YAML 1.2 as DVC reads it, and files that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.storage.yaml_files import MAX_DEPTH, dump_yaml, load_yaml

WORDS = st.one_of(
    st.sampled_from(["on", "no", "5e-5", "1.0", "null", "~", "010", "- a", "a: b", "#", "", " x "]),
    st.text("abc äß\n'\"", max_size=30),
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), WORDS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


def read(tmp_path, text: str, **options):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return load_yaml(path, **options)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5e-5", 5e-5),
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("true", True),
        ("010", 10),
        ("0o10", 8),
        ("12:30", "12:30"),
        ("~", None),
    ],
)
def test_values_mean_what_they_mean_in_yaml_1_2(tmp_path, written, meant):
    found = read(tmp_path, f"value: {written}\n")["value"]
    assert found == meant and type(found) is type(meant)


@given(value=VALUES)
def test_what_is_written_is_read_again(tmp_path_factory, value):
    assert read(tmp_path_factory.mktemp("yaml"), dump_yaml(value)) == value


def test_keys_keep_their_order(tmp_path):
    value = {"z": 1, "a": {"y": 2, "b": 3}}
    assert list(read(tmp_path, dump_yaml(value))) == ["z", "a"] and dump_yaml(value).index("y:") < dump_yaml(
        value
    ).index("b:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1, 2", "is not YAML: while parsing a flow sequence"),
        ("a: 1\na: 2\n", "is not YAML: .*duplicate key"),
        ("a: !!python/object/apply:os.system [ls]\n", "is not YAML: could not determine a constructor"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"brackets lie more than {MAX_DEPTH} deep"),
        ("\n".join(" " * n + "-" for n in range(3000)), "its lists lie too deep in each other"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(ValueError, match=rf"params\.yaml is not YAML.*{words.removeprefix('is not YAML')}"):
        read(tmp_path, text)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(ValueError, match=r"params\.yaml is not text in UTF-8"):
        load_yaml(tmp_path / "params.yaml")


def test_a_large_or_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"params\.yaml is 10 bytes, over the limit of 9"):
        read(tmp_path, "a: 123456\n", limit=9)
    with pytest.raises(ValueError, match=r"dvc\.yaml is missing; `unimed init` writes one"):
        load_yaml(tmp_path / "dvc.yaml")
