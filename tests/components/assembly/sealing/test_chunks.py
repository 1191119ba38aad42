"""Shards are sealed chunk by chunk: wherever they are cut and made, the data set is the same."""

import pickle
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from components.assembly import stage
from components.assembly.sealing.chunks import Chunks
from components.assembly.sealing.seal import seal
from components.storage.atomic import read_json


def files(dataset: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(dataset.iterdir())}


@pytest.fixture
def in_chunks(monkeypatch, assemble_corpus):
    """in_chunks(name, of=…) -> the data set's folder."""

    def run(name: str, *, of: int) -> Path:
        monkeypatch.setattr(stage, "CHUNK_RECORDS", of)
        return assemble_corpus(name=name)

    return run


def test_where_chunks_are_cut_changes_no_identity(in_chunks):
    whole, cut = in_chunks("whole", of=10_000), in_chunks("cut", of=7)
    assert len(list(cut.glob("train-*.parquet"))) > 10 and len(list(whole.glob("train-*.parquet"))) < 5
    one, other = (read_json(folder / "manifest.json") for folder in (whole, cut))
    for name in ("dataset_id", "tasks", "groups", "delivered", "benchmark", "exam", "sources"):
        assert one[name] == other[name], name
    for name in ("benchmark-00000.parquet", "exam-00000.parquet"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()


def test_a_chunk_ends_where_its_images_fill_it(in_chunks, monkeypatch):
    monkeypatch.setattr(stage, "CHUNK_BYTES", 5_000)
    assert len(list(in_chunks("bytes", of=10_000).glob("images-*.parquet"))) > 5


def test_chunks_of_another_assembly_are_thrown_away(in_chunks, tmp_path):
    for name in ("other", "mine"):
        (tmp_path / "assembly" / name / "000000").mkdir(parents=True)
        (tmp_path / "assembly" / name / "000000" / "chunk.json").write_text('{"records": 5, "shards": {}}')
    assert Chunks(tmp_path / "assembly", "mine").records == 5
    assert [path.name for path in (tmp_path / "assembly").iterdir()] == ["mine"]


def test_a_job_can_be_sent_to_another_process(in_chunks, monkeypatch):
    sent = []
    monkeypatch.setattr(
        stage, "seal", lambda job, seen: sent.append(job) or seal(pickle.loads(pickle.dumps(job)), seen)
    )
    in_chunks("sent", of=30)
    assert len(sent) > 3 and any(images for job in sent for _, images in job.entries)


def test_a_sample_over_the_shard_limit_is_named_with_the_fix(assemble_corpus, settings):
    with pytest.raises(ValueError, match=r"sample \S+ is \d+ bytes, over the shard limit 1024; raise assembly"):
        assemble_corpus(settings=replace(settings, max_shard_bytes=1024))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("nodes", [(1,), (2, 2)])
def test_tasks_on_a_ray_cluster_give_the_same_bytes(in_chunks, monkeypatch, nodes):
    from ray.cluster_utils import Cluster

    here = files(in_chunks("here", of=20))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": nodes[0], "include_dashboard": False})
    try:
        for processors in nodes[1:]:
            cluster.add_node(num_cpus=processors)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        handler = signal.getsignal(signal.SIGTERM)
        assert files(in_chunks("there", of=20)) == here
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        cluster.shutdown()
