"""Trains the models of the serving benchmark and writes them in the form that each server takes. Arguments: folder, trees of the large forest.

Of each model: NAME.onnx (one matrix in, probabilities out), NAME.joblib, NAME.mlflow (a folder), and NAME.json with rows and what scikit-learn
itself says of them.
"""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder, large = Path(sys.argv[1]), int(sys.argv[2])
features, rows, told = 10, 20_000, 256
random = np.random.default_rng(1)
X = random.normal(size=(rows, features)).astype(np.float32)
y = (X @ (np.arange(features) - 4.5) + X[:, 0] * X[:, 1] * 3 + random.normal(size=rows) > 0).astype(int)

models = {
    "linear": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest100": RandomForestClassifier(100, max_depth=10, min_samples_leaf=10, random_state=1, n_jobs=2),
    f"forest{large}": RandomForestClassifier(large, max_depth=10, min_samples_leaf=10, random_state=1, n_jobs=2),
}
for name, model in models.items():
    model.fit(X, y)
    if hasattr(model, "n_jobs"):
        model.n_jobs = 1  # Threads that are started for each row would only cost the Python servers.
    onnx = to_onnx(model, X[:1], options={"zipmap": False}, target_opset={"": 21, "ai.onnx.ml": 3})
    (folder / f"{name}.onnx").write_bytes(onnx.SerializeToString())
    joblib.dump(model, folder / f"{name}.joblib")
    mlflow.sklearn.save_model(
        model, folder / f"{name}.mlflow", pyfunc_predict_fn="predict_proba", pip_requirements=[], serialization_format="cloudpickle"
    )
    expected = {"rows": X[:told].tolist(), "probabilities": model.predict_proba(X[:told]).tolist()}
    (folder / f"{name}.json").write_text(json.dumps(expected))
print(json.dumps(list(models)))
