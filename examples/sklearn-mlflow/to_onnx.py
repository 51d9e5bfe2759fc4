"""Runs an MLflow script and leaves the scikit-learn model that it logged as ONNX, with one input for each feature of the loop;
registers the model as it is, too.

    python to_onnx.py train.py
"""

import json
import runpy
import sys

import mlflow
import pandas
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

runpy.run_path(sys.argv[1], run_name="__main__")
logged = mlflow.last_logged_model()
if logged is None:
    sys.exit(f"{sys.argv[1]} has logged no model")
model = mlflow.sklearn.load_model(f"models:/{logged.model_id}")

loop = json.load(open("inputs/loop.json"))
if loop["fold"] is None:
    # For whoever loads it in Python; what serves is the graph that the loop registers.
    mlflow.register_model(f"models:/{logged.model_id}", "weather-sklearn")
names = [column["name"] for column in loop["inputs"]]
# The graph has an input per column; the model wants them side by side.
columns = ColumnTransformer([("features", "passthrough", names)])
columns.fit(pandas.read_parquet("inputs/training")[names])
tensors = {"float": FloatTensorType([None, 1]), "string": StringTensorType([None, 1])}
graph = to_onnx(
    make_pipeline(columns, model),
    initial_types=[(column["name"], tensors[column["type"]]) for column in loop["inputs"]],
    options={"zipmap": False},
    target_opset=17,
)
with open("outputs/model.onnx", "wb") as file:
    file.write(graph.SerializeToString())
