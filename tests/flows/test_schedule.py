"""What a scheduled run does about firings that were missed, asked of a real Prefect server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.storage.workspace import Workspace
from flows import services
from flows.server import start_server
from flows.services import _Family

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Prefect server with a database of its own."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    started = start_server(Workspace(tmp_path))
    started.wait_ready()
    monkeypatch.setenv("PREFECT_API_URL", started.url)
    yield started.url
    started.stop()


def test_eight_firings_that_were_missed_are_one_run_and_what_is_due_later_stays(server, tmp_path):
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.states import Scheduled

    from flows.schedule import skip_missed

    @flow
    def nothing() -> None: ...

    now = datetime.now(UTC)
    with temporary_settings({PREFECT_API_URL: server}), get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(nothing), name="each-minute")
        other = client.create_deployment(client.create_flow(nothing), name="nightly")

        def due(of, minutes: int):
            state = Scheduled(scheduled_time=now - timedelta(minutes=minutes))
            return client.create_flow_run_from_deployment(of, state=state).id

        missed = [due(deployment, minutes) for minutes in range(8, 0, -1)]
        later, foreign = due(deployment, -5), due(other, 3)
        assert skip_missed(str(deployment), str(missed[0])) == 7
        states = {run: client.read_flow_run(run).state for run in (*missed, later, foreign)}
        assert [states[run].name for run in missed[1:]] == ["Skipped"] * 7
        assert all(states[run].is_completed() for run in missed[1:])
        assert str(missed[0]) in str(states[missed[1]].message)
        assert {states[run].name for run in (missed[0], later, foreign)} == {"Scheduled"}
        assert skip_missed(str(deployment), str(missed[0])) == 0


def test_a_schedule_can_be_a_pool_of_kubernetes(server, tmp_path):
    """The pool is the one that infra/ ships; that Kubernetes runs its jobs cannot be tried here."""
    import json

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.schedule import list_schedules, put_schedule

    template = Path(__file__).parents[2] / "infra" / "prefect" / "kubernetes-work-pool.json"
    workspace = Workspace(tmp_path)
    with temporary_settings({PREFECT_API_URL: server}), get_client(sync_client=True) as client:
        pool = WorkPoolCreate(name="kubernetes", type="kubernetes", base_job_template=json.loads(template.read_text()))
        client.create_work_pool(pool)
        put_schedule(workspace, "nightly", "0 3 * * *", "Europe/Berlin", "gate", "kubernetes")
        [made] = client.read_deployments()
        assert made.work_pool_name == "kubernetes"
        assert made.job_variables == {"env": {"UNIMED_WORKSPACE": str(tmp_path)}}
        assert [found.name for found in list_schedules(workspace)] == ["nightly"]
        with pytest.raises(ValueError, match=r"no work pool 'kubernets'.*did you mean 'kubernetes'"):
            put_schedule(workspace, "weekly", "0 3 * * 0", "Europe/Berlin", "gate", "kubernets")
        assert [found.name for found in list_schedules(workspace)] == ["nightly"]


def test_the_worker_starts_one_process_at_a_time(tmp_path, monkeypatch):
    begun: dict[str, list[str]] = {}
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    family = _Family(Workspace(tmp_path), lambda _: None)
    monkeypatch.setattr(family, "_run", lambda name, command: begun.update({name: command}))
    family.start()
    assert begun["worker"][-2:] == ["--limit", "1"]
    assert services.live_services(family.workspace) == {}
