"""One sweep run here, on processes and on a Dask cluster: the same to the last bit."""

import os

import numpy as np
import pytest

from collapse_lib import contexts, sweeps

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own are not ours to judge
GRID = sweeps.grid(
    first=range(1, 9),
    step=[400],
    contexts=[100_000],
    largest=[300],
    tokens=[50_000],
    generations=[30],
)


def where(rng, number):
    return {"process": os.getpid(), "draw": rng.random(number)}


def fails_at_two(rng, number):
    if number == 2:
        raise ArithmeticError("two")
    return {"number": number}


@pytest.fixture(scope="module")
def cluster():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address=None,
        ) as nodes,
        Client(nodes) as client,
    ):
        assert nodes.scheduler_address.startswith("tcp://127.0.0.1:")
        yield client


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], strict=True)


def test_a_sweep_is_the_same_serial_on_processes_and_on_a_cluster(cluster, tmp_path):
    serial = sweeps.run(contexts.zipf_task, GRID, seed=7)
    with sweeps.processes(2) as pool:
        assert_same(serial, sweeps.run(contexts.zipf_task, GRID, 7, pool))
    seen = []
    with cluster.get_executor() as executor:
        remote = sweeps.run(
            contexts.zipf_task, GRID, 7, executor, tmp_path, lambda *state: seen.append(state)
        )
    assert_same(serial, remote)
    assert seen == [(done, 8) for done in range(1, 9)]
    assert_same(serial, sweeps.run(contexts.zipf_task, GRID, 7, out=tmp_path))  # all kept
    assert len({float(result["expected"][5]) for result in serial}) > 1  # tasks differ


def test_the_cluster_really_works_elsewhere(cluster):
    with cluster.get_executor() as executor:
        found = sweeps.run(where, sweeps.grid(number=range(20)), 0, executor)
    workers = {int(result["process"]) for result in found}
    assert os.getpid() not in workers
    assert len(workers) == 2


def test_a_failure_on_the_cluster_is_reported_and_the_rest_finishes(cluster, tmp_path):
    with (
        cluster.get_executor() as executor,
        pytest.raises(sweeps.SweepError, match=r"1 of 4 tasks failed; first \{'number': 2\}"),
    ):
        sweeps.run(fails_at_two, sweeps.grid(number=range(4)), 0, executor, tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 3
