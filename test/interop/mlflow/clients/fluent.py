"""The fluent API as a training script uses it: experiment, runs nested in runs, params, metrics, tags, files, tables, inputs."""

import json
import math
import os
import tempfile

import mlflow
import pandas as pd

experiment = mlflow.set_experiment("fluent")
assert mlflow.set_experiment("fluent").experiment_id == experiment.experiment_id
mlflow.set_experiment_tag("team", "blue")
assert mlflow.get_experiment(experiment.experiment_id).tags["team"] == "blue"
assert mlflow.get_experiment_by_name("fluent").experiment_id == experiment.experiment_id
assert mlflow.get_experiment_by_name("nowhere") is None

with mlflow.start_run(run_name="parent", description="about it", tags={"kind": "outer"}) as parent:
    mlflow.log_param("rate", 0.1)
    mlflow.log_params({"depth": 3, "text": "a b", "none": None, "long": "x" * 6000})
    mlflow.log_param("rate", 0.1)  # The same again is no change.
    try:
        mlflow.log_param("rate", 0.2)
        raise AssertionError("a param was changed")
    except mlflow.exceptions.MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error.error_code
        assert "Changing param values is not allowed" in str(error), error
    for step in range(20):
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
    mlflow.log_metrics({"acc": 0.5, "nan": math.nan, "inf": math.inf, "minus": -math.inf}, step=-3)
    mlflow.log_metric("late", 1.0, timestamp=1_600_000_000_000)
    mlflow.set_tag("color", "red")
    mlflow.set_tags({"size": 3, "größe": "模型 🚀"})
    mlflow.set_tag("gone", "x")
    mlflow.delete_tag("gone")
    for at in range(2):
        with mlflow.start_run(run_name=f"child-{at}", nested=True) as child:
            mlflow.log_metric("child", at)
            with mlflow.start_run(nested=True) as grandchild:
                pass

run = mlflow.get_run(parent.info.run_id)
assert run.info.status == "FINISHED" and run.info.end_time >= run.info.start_time
assert run.info.run_name == "parent" and run.data.tags["mlflow.runName"] == "parent"
assert run.data.tags["mlflow.note.content"] == "about it" and run.data.tags["kind"] == "outer"
assert run.data.params["rate"] == "0.1" and run.data.params["none"] == "None" and len(run.data.params["long"]) == 6000
assert run.data.metrics["loss"] == 1 / 20 and math.isnan(run.data.metrics["nan"])
assert run.data.metrics["inf"] > 1e308 and run.data.metrics["minus"] < -1e308
assert run.data.tags["größe"] == "模型 🚀" and "gone" not in run.data.tags
assert mlflow.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
assert mlflow.get_run(grandchild.info.run_id).data.tags["mlflow.parentRunId"] == child.info.run_id

history = mlflow.MlflowClient().get_metric_history(parent.info.run_id, "loss")
assert [point.step for point in history] == list(range(20))
assert history[7].value == 1 / 8

try:
    with mlflow.start_run(run_name="fails") as failing:
        raise RuntimeError("on purpose")
except RuntimeError:
    pass
assert mlflow.get_run(failing.info.run_id).info.status == "FAILED"

frame = mlflow.search_runs(filter_string="tags.`mlflow.parentRunId` = '%s'" % parent.info.run_id, order_by=["metrics.child DESC"])
assert list(frame["metrics.child"]) == [1.0, 0.0], frame
assert list(frame["tags.mlflow.runName"]) == ["child-1", "child-0"]

with mlflow.start_run(run_name="files") as files:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"a.txt": "alpha", "sub/b.json": "{}", "sub/deep/c.bin": "\0"}.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        mlflow.log_artifacts(folder, "tree")
        mlflow.log_artifact(os.path.join(folder, "a.txt"))
    mlflow.log_text("hello ü", "notes/hello.txt")
    mlflow.log_dict({"a": [1, 2]}, "conf/a.json")
    mlflow.log_dict({"a": [1, 2]}, "conf/a.yaml")
    mlflow.log_table({"q": ["x", "y"], "n": [1, 2]}, "table.json")
    mlflow.log_table({"q": ["z"], "n": [3]}, "table.json")
    dataset = mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2, 3]}), name="tiny")
    mlflow.log_input(dataset, context="training")
    mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [4]}), name="other"), context="eval", tags={"k": "v"})

names = sorted(file.path for file in mlflow.artifacts.list_artifacts(run_id=files.info.run_id))
assert names == ["a.txt", "conf", "notes", "table.json", "tree"], names
below = mlflow.artifacts.list_artifacts(run_id=files.info.run_id, artifact_path="tree/sub")
assert [(file.path, file.is_dir, file.file_size) for file in below] == [("tree/sub/b.json", False, 2), ("tree/sub/deep", True, None)], below
assert mlflow.artifacts.load_text(f"runs:/{files.info.run_id}/notes/hello.txt") == "hello ü"
assert mlflow.artifacts.load_dict(f"runs:/{files.info.run_id}/conf/a.json") == {"a": [1, 2]}
assert list(mlflow.load_table("table.json", run_ids=[files.info.run_id])["n"]) == [1, 2, 3]
local = mlflow.artifacts.download_artifacts(run_id=files.info.run_id, artifact_path="tree")
with open(os.path.join(local, "a.txt")) as file:
    assert file.read() == "alpha"
inputs = {one.dataset.name: one for one in mlflow.get_run(files.info.run_id).inputs.dataset_inputs}
assert set(inputs) == {"tiny", "other"}
assert {tag.key: tag.value for tag in inputs["other"].tags} == {"k": "v", "mlflow.data.context": "eval"}
assert json.loads(inputs["tiny"].dataset.profile)["num_rows"] == 3

mlflow.delete_run(failing.info.run_id)
assert mlflow.get_run(failing.info.run_id).info.lifecycle_stage == "deleted"
assert failing.info.run_id not in set(mlflow.search_runs()["run_id"])
other = mlflow.create_experiment("fluent-other", tags={"a": "b"})
mlflow.delete_experiment(other)
assert mlflow.get_experiment(other).lifecycle_stage == "deleted"
assert [each.name for each in mlflow.search_experiments(filter_string="name LIKE 'fluent%'")] == ["fluent"]
print("ok")
