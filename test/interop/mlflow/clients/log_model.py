"""log_model with a signature and an input example, registered as it is logged; a logged model made by hand, its metrics and its search."""

import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

warnings.filterwarnings("ignore")
mlflow.set_experiment("log-model")
frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
model = LinearRegression().fit(frame, frame["a"] * 2 + frame["b"])

with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(model, name="line", input_example=frame, registered_model_name="line", params={"kind": "ols"}, tags={"t": "1"})
    dataset = mlflow.data.from_pandas(frame, name="frame")
    mlflow.log_metric("rmse", 0.25, model_id=info.model_id, dataset=dataset)
    mlflow.log_metrics({"mae": 0.5}, step=1, model_id=info.model_id)
loaded = mlflow.sklearn.load_model(info.model_uri)
assert np.allclose(loaded.predict(frame), model.predict(frame))
assert mlflow.models.get_model_info(info.model_uri).signature.inputs.input_names() == ["a", "b"]
assert mlflow.models.get_model_info("models:/line/1").model_uuid == info.model_uuid

client = MlflowClient()
version = client.get_model_version("line", "1")
assert version.run_id == run.info.run_id and version.source == f"models:/{info.model_id}", version
logged = client.get_logged_model(info.model_id)
assert logged.params == {"kind": "ols"} and logged.tags["t"] == "1" and logged.name == "line"
assert {(metric.key, metric.value, metric.dataset_name) for metric in logged.metrics} == {("rmse", 0.25, "frame"), ("mae", 0.5, None)}, logged.metrics
assert [output.model_id for output in client.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id]
client.set_logged_model_tags(info.model_id, {"u": "2"})
client.delete_logged_model_tag(info.model_id, "t")
assert "t" not in client.get_logged_model(info.model_id).tags and client.get_logged_model(info.model_id).tags["u"] == "2"

made = [mlflow.initialize_logged_model(name=f"agent-{index}", model_type="agent", params={"n": str(index)}) for index in range(4)]
with mlflow.start_run():
    for index, one in enumerate(made):
        mlflow.log_metric("score", index, model_id=one.model_id)
        mlflow.finalize_logged_model(one.model_id, "READY" if index < 3 else "FAILED")
here = [run.info.experiment_id]
best = mlflow.search_logged_models(here, filter_string="metrics.score > 0 AND params.n != '2'", order_by=[{"field_name": "metrics.score", "ascending": False}], output_format="list")
assert [each.name for each in best] == ["agent-3", "agent-1"], best
assert [each.name for each in mlflow.search_logged_models(here, filter_string="model_type = 'agent' AND name = 'agent-0'", output_format="list")] == ["agent-0"]
first = client.search_logged_models(here, max_results=3)
assert len(first) == 3 and len(client.search_logged_models(here, max_results=3, page_token=first.token)) == 2
client.delete_logged_model(made[0].model_id)
assert len(client.search_logged_models(here)) == 4
print("ok")
