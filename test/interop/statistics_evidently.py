# Writes src/statistics/testing/evidently.json: drift scores of Evidently that src/statistics/evidently.ts is held against.
# Run: pip install evidently==0.7.21 "pandas<3"; python test/interop/statistics_evidently.py
import json
import pathlib
import warnings

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType

warnings.filterwarnings("ignore")


def lcg(rows, seed):
    x, out = seed, []
    for _ in range(rows):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(x / 2**32)
    return np.array(out)


def column(shape, rows, seed):
    u = lcg(rows, seed)
    if shape == "uniform": return pd.Series(u)
    if shape == "shifted": return pd.Series(0.9 * u + 0.15)
    if shape == "skewed": return pd.Series(u**4 * 100)
    if shape == "integers": return pd.Series(np.floor(u * u * 40).astype(int))
    if shape == "fewIntegers": return pd.Series(np.floor(u * u * 12).astype(int))
    if shape == "four": return pd.Series(np.floor(u * 4))
    if shape == "fourSkewed": return pd.Series(np.floor(u**1.1 * 4))
    if shape == "binary": return pd.Series((u > 0.7).astype(float))
    if shape == "binaryMore": return pd.Series((u > 0.62).astype(float))
    if shape == "letters": return pd.Series([chr(97 + int(x * x * 15)) for x in u])
    if shape == "lettersEven": return pd.Series([chr(97 + int(x * 15)) for x in u])
    raise ValueError(shape)


cases = []
for before, after, rows in [
    ("uniform", "shifted", (600, 400)), ("uniform", "uniform", (1000, 12000)), ("uniform", "shifted", (3000, 2000)),
    ("skewed", "uniform", (2500, 1500)), ("integers", "integers", (2500, 4000)), ("integers", "fewIntegers", (1500, 900)),
    ("fewIntegers", "integers", (1500, 900)), ("four", "fourSkewed", (800, 700)), ("four", "fourSkewed", (5000, 7000)),
    ("binary", "binaryMore", (500, 300)), ("binary", "binaryMore", (4000, 300)), ("binary", "binary", (700, 50)),
    ("letters", "lettersEven", (900, 500)), ("letters", "lettersEven", (3000, 500)), ("letters", "letters", (2000, 2000)),
]:
    kind = "cat" if before.startswith("letters") else "num"
    r, c = column(before, rows[0], 31), column(after, rows[1], 32)
    methods = [None, "psi", "kl_div", "jensenshannon"] + (["wasserstein", "ks"] if kind == "num" else ["chisquare"])
    for method in methods:
        column_type = ColumnType(kind)  # A bare string would be compared with it and lose
        test = get_stattest(r, c, column_type, method)
        result = test(r, c, column_type, None)
        cases.append({"before": before, "after": after, "rows": rows, "kind": kind, "method": method, "chosen": test.name,
                      "integer": r.dtype.kind == "i" and c.dtype.kind == "i",
                      "threshold": result.actual_threshold, "score": float(result.drift_score), "drifted": bool(result.drifted)})
path = pathlib.Path(__file__).parents[2] / "src/statistics/testing/evidently.json"
path.write_text(json.dumps(cases, indent=1, allow_nan=False) + "\n")
