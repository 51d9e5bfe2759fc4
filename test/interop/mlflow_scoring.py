"""A scikit-learn classifier as an MLflow model and as ONNX, and stock MLflow's clients of a scoring server.

make FOLDER            writes FOLDER/model (MLflow), FOLDER/model.onnx, and prints the classes and the probabilities of the rows below
clients URL            asks the server at URL with MLflow's own clients, and prints what they made of the answers
"""
import json
import sys

import numpy as np
import pandas as pd

columns = ["x", "count", "carrier"]
rows = [[1.5, 2, "AA"], [-1.5, -2, "BB"], [0.25, 0, "07"], [-0.5, 1, "other"]]


def make(folder):
    import mlflow
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    random = np.random.default_rng(5)
    size = 500
    frame = pd.DataFrame(
        {
            "x": random.normal(size=size),
            "count": random.integers(-3, 4, size=size),
            "carrier": random.choice(["AA", "BB", "07"], size=size),
        }
    )
    late = frame.x + 0.3 * frame["count"] + np.where(frame.carrier == "AA", 1, -0.5) > 0
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(frame, np.where(late, "late", "early"))

    names = [ColSpec("double", "x"), ColSpec("long", "count"), ColSpec("string", "carrier")]
    signature = ModelSignature(inputs=Schema(names), outputs=Schema([ColSpec("string")]))
    mlflow.sklearn.save_model(model, f"{folder}/model", signature=signature, serialization_format="cloudpickle")

    tensors = [
        ("x", FloatTensorType([None, 1])),
        ("count", Int64TensorType([None, 1])),
        ("carrier", StringTensorType([None, 1])),
    ]
    graph = to_onnx(model, initial_types=tensors, options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    told = [output for output in graph.graph.output if output.name == "probabilities"]
    del graph.graph.output[:]
    graph.graph.output.extend(told)
    onnx.save(graph, f"{folder}/model.onnx")
    asked = pd.DataFrame(rows, columns=columns)
    print(
        json.dumps(
            {
                "classes": model.classes_.tolist(),
                "labels": model.predict(asked).tolist(),
                "probabilities": model.predict_proba(asked).tolist(),
            }
        )
    )


def clients(url):
    from mlflow.deployments import PredictionsResponse
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    host, port = url.removeprefix("http://").split(":")
    client = ScoringServerClient(host, int(port))
    client.wait_server_ready(timeout=20)
    frame = pd.DataFrame(rows, columns=columns)
    answered = client.invoke(frame)
    probabilities = client.invoke(frame, params={"predict_method": "predict_proba"})
    records = client.invoke(frame, params={"predict_method": "records"})
    # Missing values leave the client as bare NaN.
    missing = client.invoke(frame.assign(carrier=["AA", None, np.nan, "BB"]))
    array = client.invoke(np.array(rows, dtype=object))
    refused = ""
    try:
        client.invoke(frame.drop(columns=["x"]))
    except Exception as error:
        refused = str(error)
    print(
        json.dumps(
            {
                "version": client.get_version(),
                "isResponse": isinstance(answered, PredictionsResponse),
                "labels": answered.get_predictions("ndarray").tolist(),
                "frame": answered.get_predictions("dataframe").iloc[:, 0].tolist(),
                "probabilities": probabilities.get_predictions("ndarray", dtype=np.float64).tolist(),
                "records": records.get_predictions("dataframe").columns.tolist(),
                "missing": len(missing.get_predictions()),
                "array": array.get_predictions("ndarray").tolist(),
                "refused": refused,
            }
        )
    )


{"make": make, "clients": clients}[sys.argv[1]](sys.argv[2])
