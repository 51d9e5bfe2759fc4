"""MlflowClient method after method: tracking."""

import os
import tempfile
import time

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from refusals import refused

client = MlflowClient()
experiment = client.create_experiment("client", tags={"a": "1"})
refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("client"))
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("999999"))
client.rename_experiment(experiment, "client-renamed")
client.set_experiment_tag(experiment, "b", "2")
found = client.get_experiment(experiment)
assert found.name == "client-renamed" and found.tags == {"a": "1", "b": "2"} and found.lifecycle_stage == "active"
assert client.get_experiment_by_name("client-renamed").experiment_id == experiment
client.delete_experiment(experiment)
assert client.get_experiment(experiment).lifecycle_stage == "deleted"
assert [each.experiment_id for each in client.search_experiments(ViewType.DELETED_ONLY, filter_string="tags.a = '1'")] == [experiment]
client.restore_experiment(experiment)
pages = client.search_experiments(max_results=1, order_by=["name ASC"])
assert len(pages) == 1 and (pages.token is None or client.search_experiments(max_results=1, order_by=["name ASC"], page_token=pages.token))

run = client.create_run(experiment, start_time=1234, tags={"t": "x"}, run_name="one")
run_id = run.info.run_id
assert run.info.status == "RUNNING" and run.info.start_time == 1234 and run.info.run_name == "one"
assert run.info.artifact_uri.endswith(f"/{experiment}/{run_id}/artifacts"), run.info.artifact_uri
client.log_metric(run_id, "m", 1.5, timestamp=10, step=2)
client.log_metric(run_id, "m", 2.5, timestamp=9, step=3)
client.log_metric(run_id, "m", 9.5, timestamp=99, step=1)  # Older by its step: it is not the latest.
client.log_param(run_id, "p", 7)
client.set_tag(run_id, "t", "y")
client.set_tag(run_id, "u", "z")
client.delete_tag(run_id, "u")
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_tag(run_id, "u"))
now = int(time.time() * 1000)
metrics = [Metric("b", index / 2, now, index) for index in range(1500)]
client.log_batch(run_id, metrics=metrics[:1000], params=[Param(f"p{index}", "v") for index in range(100)], tags=[RunTag("w", "1")])
client.log_batch(run_id, metrics=metrics[1000:])
refused("INVALID_PARAMETER_VALUE", lambda: client.log_batch(run_id, params=[Param("p", "8")]))
client.log_inputs(run_id, [DatasetInput(Dataset("d", "g", "local", "{}"), [InputTag("mlflow.data.context", "train")])])
client.update_run(run_id, status="FINISHED", name="two")
client.set_terminated(run_id, "KILLED", end_time=5678)
found = client.get_run(run_id)
assert found.info.status == "KILLED" and found.info.end_time == 5678 and found.info.run_name == "two"
assert found.data.metrics == {"m": 2.5, "b": 1499 / 2} and found.data.params["p"] == "7" and len(found.data.params) == 101
assert found.data.tags["t"] == "y" and found.data.tags["w"] == "1" and found.data.tags["mlflow.runName"] == "two"
assert found.inputs.dataset_inputs[0].dataset.name == "d"
assert [(point.step, point.value, point.timestamp) for point in client.get_metric_history(run_id, "m")] == [(2, 1.5, 10), (3, 2.5, 9), (1, 9.5, 99)] or sorted(
    (point.step, point.value) for point in client.get_metric_history(run_id, "m")
) == [(1, 9.5), (2, 1.5), (3, 2.5)]
assert len(client.get_metric_history(run_id, "b")) == 1500
assert client.get_metric_history(run_id, "none") == []

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "f.txt")
    with open(path, "w") as file:
        file.write("file")
    client.log_artifact(run_id, path, "in")
    client.log_artifacts(run_id, folder)
client.log_text(run_id, "text", "t.txt")
client.log_dict(run_id, {"a": 1}, "d.json")
assert sorted(file.path for file in client.list_artifacts(run_id)) == ["d.json", "f.txt", "in", "t.txt"]
assert [file.path for file in client.list_artifacts(run_id, "in")] == ["in/f.txt"]
with open(client.download_artifacts(run_id, "in/f.txt")) as file:
    assert file.read() == "file"

child = client.create_run(experiment, tags={"mlflow.parentRunId": run_id})
assert client.get_parent_run(child.info.run_id).info.run_id == run_id
assert client.get_parent_run(run_id) is None
client.delete_run(child.info.run_id)
refused("INVALID_PARAMETER_VALUE", lambda: client.log_metric(child.info.run_id, "x", 1))
assert [each.info.run_id for each in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == [child.info.run_id]
client.restore_run(child.info.run_id)
first = client.search_runs([experiment], max_results=1, order_by=["attributes.start_time ASC"])
second = client.search_runs([experiment], max_results=1, order_by=["attributes.start_time ASC"], page_token=first.token)
assert [first[0].info.run_id, second[0].info.run_id] == [run_id, child.info.run_id] and second.token is None
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))
print("ok")
