"""What the console is looked at with: runs with curves and nested runs, files, logged and registered models, traces. Prints ids as JSON, then ok."""

import json
import math

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric
from sklearn.linear_model import LinearRegression

client = MlflowClient()
experiment = mlflow.set_experiment("console")
mlflow.set_experiment_tag("mlflow.note.content", "# What it is about")
frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
runs = []
for number in range(5):
    with mlflow.start_run(run_name=f"console-run-{number}") as run:
        runs.append(run.info.run_id)
        mlflow.log_params({"rate": 0.1 * number, "optimizer": "adam" if number % 2 else "sgd"})
        mlflow.set_tag("team", "blue")
        curve = [Metric(key, math.exp(-step / 20) * (number + 1) + at, 1_700_000_000_000 + step * 1000, step) for step in range(100) for at, key in enumerate(("loss", "val/loss"))]
        client.log_batch(run.info.run_id, metrics=curve)
        mlflow.log_metric("accuracy", 0.5 + number / 10)
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "conf.json")
        mlflow.log_input(mlflow.data.from_pandas(frame, name="frame"), context="training")
        if number < 2:
            mlflow.sklearn.log_model(LinearRegression().fit(frame, frame["a"]), name="line", input_example=frame, registered_model_name="console-model")
        if number == 4:
            with mlflow.start_run(run_name="console-child", nested=True):
                mlflow.log_metric("accuracy", 1)
client.set_registered_model_alias("console-model", "best", "1")
client.update_registered_model("console-model", description="a line")
mlflow.genai.register_prompt("console-prompt", "Hello {{name}}")


@mlflow.trace(name="console-trace")
def ask(question):
    with mlflow.start_span("inner", span_type="LLM") as span:
        span.set_inputs({"q": question})
        span.set_outputs("answer")
    return "answer"


for index in range(3):
    ask(f"question {index}")
trace = mlflow.get_last_active_trace_id()
mlflow.flush_trace_async_logging()
mlflow.log_feedback(trace_id=trace, name="good", value=True)
models = [each.model_id for each in mlflow.search_logged_models([experiment.experiment_id], output_format="list")]
print(json.dumps({"experiment": experiment.experiment_id, "runs": runs, "trace": trace, "model": models[0]}))
print("ok")
