"""Which Ray cluster is ours."""

import pytest

from components.cluster import start_ray


@pytest.mark.parametrize("named", [False, True])
def test_without_a_named_cluster_one_of_our_own_is_started_whoever_else_has_one(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(ray, "init", lambda **given: asked.append(given))
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001" if named else "")
    start_ray(2, 1)
    (given,) = asked
    assert given.get("address") == (None if named else "local")
    assert ("num_cpus" in given) != named
