from components.storage import code
from components.storage.code import ENTRIES, _closure, _import_graph, _tree_text


def test_comments_docstrings_and_layout_do_not_count_but_a_constant_does(tmp_path):
    texts = [
        '"""Doc."""\n\ndef f():\n    """What."""\n    return 1\n',
        "# comment\ndef f():\n\n    return 1\n",
        "def f():\n    return 2\n",
    ]
    trees = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.py"
        path.write_text(text)
        trees.append(_tree_text(path))
    assert trees[0] == trees[1] != trees[2]


def test_each_component_is_hashed_with_what_it_imports_and_without_what_only_watches():
    graph = _import_graph()
    training = _closure(graph, ENTRIES["training"])
    assert "model.unimedvl" in training and "components.records.sample" in training
    assert not [module for module in training if module.startswith(code.OUTSIDE)]
    assert not [module for module in _closure(graph, ENTRIES["validation"]) if module.startswith("model")]
