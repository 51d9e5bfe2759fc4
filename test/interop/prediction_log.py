# Reads the prediction log as pandas and pyarrow do by themselves, and prints what they see as JSON.
import json
import sys

import pandas
import pyarrow.dataset

root = sys.argv[1]
frame = pandas.read_parquet(root)
dataset = pyarrow.dataset.dataset(root, partitioning="hive")
one = dataset.to_table(filter=pyarrow.dataset.field("endpoint") == "flights").to_pandas()
inputs = pandas.json_normalize(one.sort_values("id")["inputs"].map(lambda text: json.loads(text) if isinstance(text, str) else {}).tolist())
print(
    json.dumps(
        {
            "rows": len(frame),
            "columns": sorted(frame.columns),
            "endpoints": frame.groupby("endpoint", observed=True).size().to_dict(),
            "days": sorted(str(day) for day in frame["day"].unique()),
            "outputs": [list(output) for output in one.sort_values("id")["output"]],
            "statuses": one.sort_values("id")["status"].tolist(),
            "inputs": json.loads(inputs.to_json(orient="records")),
        }
    )
)
