# Tables of every kind of column, and what Evidently's drift preset says of them with nothing but its defaults: kinds of columns found by itself.
# Run: python comparison_reference.py FOLDER; writes before-N.parquet and after-N.parquet there and prints the scores as JSON.
import json
import sys
import warnings

import numpy as np
import pandas as pd
from evidently import Dataset, Report
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")


def table(random, rows, shift):
    numbers = random.normal(shift, 1, rows)
    numbers[::17] = np.nan
    numbers[3] = np.inf
    with_nulls = random.integers(0, 10, rows).astype(float)
    with_nulls[::13] = np.nan
    letters = np.array([f"k{value}" for value in random.integers(0, 7, rows)], dtype=object)
    letters[::11] = None
    return pd.DataFrame({
        "numbers": numbers,
        "tenIntegers": random.integers(0, 10, rows),
        "moreIntegers": random.integers(0, 11 + (3 if shift else 0), rows),
        "tenWithNulls": with_nulls,
        "manyIntegers": random.integers(0, 50, rows) + (5 if shift else 0),
        "eachAnother": random.random(rows) * (1 + shift),
        "twoIntegers": random.integers(0, 2, rows),
        "constant": 1.5,
        "flags": random.random(rows) < 0.3 + shift / 10,
        "letters": letters,
        "quarters": random.integers(0, 4, rows) / 4,
    })


folder = sys.argv[1]
cases = []
for case, sizes in enumerate([(700, 900), (1000, 5000), (1001, 300), (5000, 60_000)]):
    random = np.random.default_rng(case)
    before, after = table(random, sizes[0], 0), table(random, sizes[1], 0.2)
    for name, frame in (("before", before), ("after", after)):
        # Whole numbers with nulls among them are doubles to pandas, and integers in a table.
        frame.assign(tenWithNulls=frame.tenWithNulls.astype("Int64")).to_parquet(f"{folder}/{name}-{case}.parquet")
    scores = {}
    for metric in Report([DataDriftPreset()]).run(Dataset.from_pandas(after), Dataset.from_pandas(before)).dict()["metrics"]:
        if metric["metric_name"].startswith("ValueDrift"):
            scores[metric["config"]["column"]] = float(metric["value"])
    cases.append({"rows": sizes, "scores": scores})
print(json.dumps(cases))
