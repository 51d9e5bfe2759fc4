"""Eight processes log at once: runs of their own, and metrics, params and tags of one run that they share."""

import multiprocessing
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

processes, rounds, batch = 8, 15, 40


def work(job):
    experiment, shared, number = job
    client = MlflowClient()
    mine = client.create_run(experiment, run_name=f"worker-{number}", tags={"mlflow.parentRunId": shared}).info.run_id
    for step in range(rounds):
        client.log_batch(mine, metrics=[Metric(f"m{index}", number + index, 1000 + step, step) for index in range(batch)])
        client.log_batch(shared, metrics=[Metric("all", number, 1000 + step, step * processes + number)], params=[Param(f"p{number}-{step}", "v")])
        client.set_tag(shared, f"t{number}", str(step))
    client.set_terminated(mine)
    return mine


if __name__ == "__main__":
    client = MlflowClient()
    experiment = client.create_experiment("parallel")
    shared = client.create_run(experiment, run_name="shared").info.run_id
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        made = pool.map(work, [(experiment, shared, number) for number in range(processes)])
    for number, run_id in enumerate(made):
        run = client.get_run(run_id)
        assert run.info.status == "FINISHED" and len(run.data.metrics) == batch and run.data.metrics["m3"] == number + 3
        assert len(client.get_metric_history(run_id, "m0")) == rounds
    run = client.get_run(shared)
    assert len(run.data.params) == processes * rounds
    assert {run.data.tags[f"t{number}"] for number in range(processes)} == {str(rounds - 1)}
    history = client.get_metric_history(shared, "all")
    assert sorted(point.step for point in history) == list(range(processes * rounds))
    assert run.data.metrics["all"] == processes - 1
    assert len(client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{shared}'")) == processes
    print("ok")
    sys.exit(0)
