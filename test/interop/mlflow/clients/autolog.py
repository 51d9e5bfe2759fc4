"""Autologging of scikit-learn, XGBoost or LightGBM, then the model that it logged: loaded, registered, loaded by alias."""

import sys
import warnings

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.datasets import make_classification

warnings.filterwarnings("ignore")
flavor = sys.argv[1]
features, labels = make_classification(n_samples=300, n_features=6, random_state=0)
mlflow.set_experiment(f"autolog-{flavor}")


def train():
    if flavor == "sklearn":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        mlflow.sklearn.autolog()
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(features, labels).predict(features)
    if flavor == "xgboost":
        import xgboost

        mlflow.xgboost.autolog()
        data = xgboost.DMatrix(features, labels)
        return xgboost.train({"objective": "binary:logistic", "max_depth": 3}, data, 12, evals=[(data, "train")], verbose_eval=False).predict(data)
    import lightgbm

    mlflow.lightgbm.autolog()
    data = lightgbm.Dataset(features, labels)
    return lightgbm.train({"objective": "binary", "verbosity": -1}, data, 12, valid_sets=[data], valid_names=["train"]).predict(features)


with mlflow.start_run() as active:
    expected = train()
run = mlflow.get_run(active.info.run_id)
assert run.info.status == "FINISHED"
client = MlflowClient()
if flavor == "sklearn":
    assert run.data.params["logisticregression__C"] == "0.5", run.data.params
    assert run.data.metrics["training_accuracy_score"] > 0.7
    assert run.data.tags["estimator_name"] == "Pipeline"
else:
    key = "train-logloss" if flavor == "xgboost" else "train-binary_logloss"
    assert len(client.get_metric_history(run.info.run_id, key)) == 12, run.data.metrics

if int(mlflow.__version__.split(".")[0]) >= 3:
    assert len(run.outputs.model_outputs) == 1
    logged = mlflow.get_logged_model(run.outputs.model_outputs[0].model_id)
    assert str(logged.status) in ("READY", "LoggedModelStatus.READY"), logged.status
    assert logged.source_run_id == run.info.run_id
    uri = f"models:/{logged.model_id}"
    found = mlflow.search_logged_models(experiment_ids=[run.info.experiment_id], output_format="list")
    assert [each.model_id for each in found] == [logged.model_id]
    assert any(dataset.dataset.name for dataset in run.inputs.dataset_inputs) or flavor != "sklearn"
else:
    uri = f"runs:/{run.info.run_id}/model"
loaded = mlflow.pyfunc.load_model(uri)
assert np.allclose(loaded.predict(features), expected)
version = mlflow.register_model(uri, f"auto-{flavor}")
assert version.status == "READY"
client.set_registered_model_alias(f"auto-{flavor}", "champion-to-be", version.version)
by_alias = mlflow.pyfunc.load_model(f"models:/auto-{flavor}@champion-to-be")
assert np.allclose(by_alias.predict(features), expected)
by_number = mlflow.pyfunc.load_model(f"models:/auto-{flavor}/{version.version}")
assert np.allclose(by_number.predict(features), expected)
print("ok")
