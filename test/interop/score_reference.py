# What ONNX Runtime in Python says of the same rows as a batch scoring: reads both files with pandas and prints how far they are apart.
import json
import sys

import numpy
import onnxruntime
import pandas

model, rows_path, scored_path = sys.argv[1:]
rows = pandas.read_parquet(rows_path)
scored = pandas.read_parquet(scored_path)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
feeds = {
    "x": rows["x"].to_numpy(numpy.float32).reshape(-1, 1),
    "carrier": rows["carrier"].fillna("").to_numpy(object).reshape(-1, 1),
    "date": rows["date"].astype("datetime64[us]").astype("int64").to_numpy().reshape(-1, 1),
}
(probabilities,) = session.run(["probabilities"], feeds)
own = scored[["probability_no", "probability_yes"]].to_numpy(numpy.float64)
labels = numpy.where(probabilities[:, 1] >= 0.5, "yes", "no")
print(
    json.dumps(
        {
            "rows": len(scored),
            "columns": list(scored.columns),
            "same_order": bool((rows["id"].to_numpy() == scored["id"].to_numpy()).all()),
            "far": float(numpy.abs(own - probabilities).max()),
            "labels_differ": int((labels != scored["prediction"].to_numpy()).sum()),
        }
    )
)
