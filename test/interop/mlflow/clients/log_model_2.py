"""log_model as 2.x clients do it: below its run, with a signature and an input example, registered as it is logged, loaded by every kind of name."""

import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

warnings.filterwarnings("ignore")
mlflow.set_experiment("log-model-2")
frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
model = LinearRegression().fit(frame, frame["a"] * 2 + frame["b"])
expected = model.predict(frame)

with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(model, "line", input_example=frame, registered_model_name="line-2", metadata={"kind": "ols"})
    mlflow.sklearn.log_model(model, "deep/line", signature=infer_signature(frame, expected), pip_requirements=["scikit-learn"])
    mlflow.pyfunc.log_model("by-hand", python_model=lambda model_input: [row + 1 for row in model_input], pip_requirements=["mlflow"])
run_id = run.info.run_id
client = MlflowClient()
assert info.model_uri == f"runs:/{run_id}/line" and info.signature.inputs.input_names() == ["a", "b"]
assert {"MLmodel", "model.pkl", "requirements.txt"} <= {file.path.split("/")[-1] for file in client.list_artifacts(run_id, "line")}
version = client.get_model_version("line-2", "1")
assert version.run_id == run_id and version.source == f"{run.info.artifact_uri}/line" and version.status == "READY", version
again = mlflow.register_model(f"runs:/{run_id}/deep/line", "line-2", tags={"from": "deep"})
assert int(again.version) == 2 and client.get_model_version("line-2", "2").tags == {"from": "deep"}
client.set_registered_model_alias("line-2", "best", "1")
client.transition_model_version_stage("line-2", "2", "Staging")
for uri in (info.model_uri, f"runs:/{run_id}/deep/line", "models:/line-2/1", "models:/line-2/2", "models:/line-2@best", "models:/line-2/Staging", "models:/line-2/latest"):
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(frame), expected), uri
assert np.allclose(mlflow.sklearn.load_model("models:/line-2@best").coef_, model.coef_)
assert mlflow.pyfunc.load_model(f"runs:/{run_id}/by-hand").predict([1, 2]) == [2, 3]
found = mlflow.models.get_model_info("models:/line-2/1")
assert found.model_uuid == info.model_uuid and found.metadata == {"kind": "ols"} and found.run_id == run_id
assert found.signature == info.signature and list(mlflow.pyfunc.load_model(info.model_uri).input_example.columns) == ["a", "b"]
history = client.get_run(run_id).data.tags["mlflow.log-model.history"]
assert all(f'"artifact_path": "{path}"' in history for path in ("line", "deep/line", "by-hand")), history
copy = client.copy_model_version("models:/line-2/1", "line-2-copy")
assert copy.source == "models:/line-2/1" and np.allclose(mlflow.pyfunc.load_model("models:/line-2-copy/1").predict(frame), expected)
print("ok")
