# The Python side of the benchmarks. `describe FILE`: pandas reads and describes. `summary FILE`: Evidently's data summary. `drift FILE`: Evidently's
# drift report, January against the rest. Each prints one line of JSON. Imports are done before the clock starts.
import json
import resource
import sys
import time
import warnings

import pandas as pd

warnings.filterwarnings("ignore")
numbers = ["delay", "distance", "minute"]
texts = ["origin", "destination"]


def report_of(preset, current, reference=None):
    from evidently import DataDefinition, Dataset, Report

    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [None if side is None else Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
    return Report([preset]).run(*sides).dict()


def read(file):
    """The five columns that both sides compare; the time stamp becomes the minute of its day."""
    frame = pd.read_parquet(file)
    january = frame.date.dt.month == 1
    frame["minute"] = frame.date.dt.hour * 60 + frame.date.dt.minute
    return frame[numbers + texts], january


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**answer, "wallMs": 1e3 * wall, "cpuMs": 1e3 * cpu, "peakBytes": peak}


def describe(file):
    def work():
        frame = pd.read_parquet(file)
        found = frame.describe(include="all")
        columns = {}
        for name in frame.columns:
            column = {"nulls": len(frame) - int(found[name]["count"])}
            if name in ("delay", "distance"):
                column |= {key: float(found[name][key]) for key in ("min", "max", "mean", "std", "25%", "50%", "75%")}
            if name in texts:
                column["freq"] = int(found[name]["freq"])
            columns[name] = column
        return {"rows": len(frame), "columns": columns}

    answer = timed(work)
    frame = pd.read_parquet(file)
    for name in frame.columns:
        answer["columns"][name]["distinct"] = int(frame[name].nunique())
    return answer


def summary(file):
    from evidently.presets import DataSummaryPreset

    frame, _ = read(file)
    return timed(lambda: {"metrics": len(report_of(DataSummaryPreset(), frame)["metrics"])})


def drift(file):
    from evidently.presets import DataDriftPreset

    frame, january = read(file)
    current, reference = frame[~january].reset_index(drop=True), frame[january].reset_index(drop=True)

    def work():
        scores = {}
        for metric in report_of(DataDriftPreset(), current, reference)["metrics"]:
            if metric["metric_name"].startswith("ValueDrift"):
                scores[metric["config"]["column"]] = float(metric["value"])
        return {"scores": scores, "rows": [len(reference), len(current)]}

    return timed(work)


command, file = sys.argv[1:]
print(json.dumps({"describe": describe, "summary": summary, "drift": drift}[command](file)))
