"""In CI a test may be skipped only if `tests/expected_skips.txt` names it: what is skipped proves nothing, and a set that no
machine has would be skipped for ever without a word."""

import os

import pytest

LIST = "tests/expected_skips.txt"


def expected_skips(config: pytest.Config) -> frozenset[str]:
    """Node ids, one a line; what stands behind # is the reason. One without its parameters stands for all of them."""
    path = config.rootpath / LIST
    lines = path.read_text().splitlines() if path.is_file() else []
    return frozenset(filter(None, (line.split("#")[0].strip() for line in lines)))


def skipped(config: pytest.Config) -> tuple[list[str], list[str]]:
    """(expected, unexpected) among the tests that were skipped, on whatever worker, each with its reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    known = expected_skips(config)
    found: tuple[list[str], list[str]] = ([], [])
    for report in reporter.stats.get("skipped", []) if reporter else []:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        is_expected = bool({report.nodeid, report.nodeid.split("[")[0]} & known)
        found[0 if is_expected else 1].append(f"{report.nodeid}: {str(reason).removeprefix('Skipped: ')}")
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    is_well = session.exitstatus == pytest.ExitCode.OK
    if os.environ.get("CI") and is_well and skipped(session.config)[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if not os.environ.get("CI"):
        return
    expected, unexpected = skipped(config)
    terminalreporter.write_line(f"skipped: {len(expected)} that {LIST} names, {len(unexpected)} others")
    for line in unexpected:
        terminalreporter.write_line(f"  {line}; let it run here, or name it in {LIST} with the reason", red=True)
