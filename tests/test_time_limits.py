"""No process is waited for without an end."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
WAITING = {"run", "check_output", "check_call", "call"}


def waits(tree: ast.AST) -> list[ast.Call]:
    """Calls that return when another process has ended."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in WAITING
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "subprocess"
    ]


def test_every_child_process_that_is_waited_for_has_a_time_limit():
    found = {
        f"{path.relative_to(ROOT)}:{call.lineno}": {keyword.arg for keyword in call.keywords}
        for room in ("components", "flows", "model", "infra")
        for path in (ROOT / room).rglob("*.py")
        for call in waits(ast.parse(path.read_text()))
    }
    assert len(found) >= 4, "the search finds those that there are"
    assert [place for place, names in found.items() if "timeout" not in names] == []
