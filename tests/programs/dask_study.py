"""A study on a Dask cluster of separate processes, one of which is killed on the way. Prints what came out."""

import os
import signal
import sys
from pathlib import Path

from distributed import Client, LocalCluster

from tinyact.experiment.configuration import Grid
from tinyact.experiment.pipeline import run_all
from tinyact.experiment.store import Store


def main() -> None:
    configurations = list(Grid(activation=("none", "relu"), seeds=15).configurations())
    alone, shared = Store(Path(sys.argv[1], "alone.sqlite")), Store(Path(sys.argv[1], "shared.sqlite"))
    list(run_all(configurations, alone, jobs=1))
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            pids = sorted(client.run(os.getpid).values())
        results = run_all(configurations, shared, backend="dask", scheduler=cluster.scheduler_address)
        next(results)
        os.kill(pids[0], signal.SIGKILL)
        at_the_kill = len(shared.results())
        list(results)
    done, wanted = len(shared.results()), len(configurations)
    print(f"{done} of {wanted}, a worker killed after the first: {at_the_kill == 1 and os.getpid() not in pids}")
    same = [a.numbers() == b.numbers() for a, b in zip(alone.results(), shared.results(), strict=True)]
    print(f"equal: {sum(same)}")


if __name__ == "__main__":
    main()
