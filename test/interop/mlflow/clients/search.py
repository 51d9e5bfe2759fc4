"""Every operator of the filter language, on every kind of key that it is for."""

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag

client = MlflowClient()
experiment = client.create_experiment("search")
runs = []
for index in range(6):
    run = client.create_run(experiment, start_time=1000 + index, run_name=f"Run-{index}", tags={"letter": "aAbBcC"[index]})
    runs.append(run.info.run_id)
    client.log_metric(run.info.run_id, "m", index / 2, step=0)
    client.log_param(run.info.run_id, "p", f"v{index % 3}")
    if index < 2:
        client.log_param(run.info.run_id, "only", "x")
        data = Dataset(f"data-{index}", f"digest{index}", "local", "{}")
        client.log_inputs(run.info.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "train" if index == 0 else "eval")])])
    if index % 2 == 0:
        client.set_terminated(run.info.run_id, "FINISHED", end_time=2000 + index)

newer = int(mlflow.__version__.split(".")[0]) >= 3
cases = {
    "metrics.m > 1": [3, 4, 5], "metrics.m >= 1": [2, 3, 4, 5], "metrics.m < 1": [0, 1], "metrics.m <= 1": [0, 1, 2], "metrics.m = 1": [2], "metrics.m != 1": [0, 1, 3, 4, 5],
    "params.p = 'v1'": [1, 4], "params.p != 'v1'": [0, 2, 3, 5], "params.p LIKE 'v%'": [0, 1, 2, 3, 4, 5], "params.p LIKE '_1'": [1, 4], "params.p ILIKE 'V1'": [1, 4], "params.only != 'y'": [0, 1],
    "tags.letter = 'a'": [0], "tags.letter != 'a'": [1, 2, 3, 4, 5], "tags.letter LIKE 'b'": [2], "tags.letter ILIKE 'b'": [2, 3], 'tags."letter" = "c"': [4], "tags.`letter` = 'C'": [5],
    "attributes.status = 'FINISHED'": [0, 2, 4], "status != 'FINISHED'": [1, 3, 5], "status LIKE 'FIN%'": [0, 2, 4], "run_name = 'Run-3'": [3], "run_name LIKE 'Run-%'": [0, 1, 2, 3, 4, 5], "run_name ILIKE 'run-3'": [3],
    f"run_id = '{runs[2]}'": [2], f"run_id != '{runs[2]}'": [0, 1, 3, 4, 5], f"run_id IN ('{runs[1]}', '{runs[5]}')": [1, 5], f"run_id NOT IN ('{runs[1]}', '{runs[5]}')": [0, 2, 3, 4],
    "start_time > 1003": [4, 5], "start_time = 1003": [3], "attributes.start_time <= 1001": [0, 1], "end_time >= 2002": [2, 4], f"artifact_uri LIKE '%{runs[0]}%'": [0],
    "dataset.name = 'data-0'": [0], "dataset.name LIKE 'data%'": [0, 1], "datasets.digest = 'digest1'": [1], "dataset.context = 'train'": [0], "dataset.name IN ('data-0', 'none')": [0], "dataset.name ILIKE 'DATA-1'": [1],
    "metrics.m > 0.4 AND metrics.m < 2.1 AND params.p = 'v1'": [1, 4], "metric.m > 1 and param.p = 'v0' and tag.letter = 'B'": [3], "metrics.none > 0": [], "params.p = 'v0' AND params.p = 'v1'": [],
}
if newer:
    cases |= {"params.only IS NULL": [2, 3, 4, 5], "params.only IS NOT NULL": [0, 1], "tags.letter IS NOT NULL AND params.only IS NULL": [2, 3, 4, 5]}
for text, expected in cases.items():
    found = [runs.index(run.info.run_id) for run in client.search_runs([experiment], text, order_by=["start_time ASC"])]
    assert found == expected, (text, found, expected)
for text in ("metrics.m LIKE 1", "params.p > 'v'", "junk", "nonsense = 'x'", "params.p = v1", "metrics.m > 'x'"):
    try:
        client.search_runs([experiment], text)
        raise AssertionError(f"not refused: {text}")
    except mlflow.exceptions.MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", (text, error)
orders = {"metrics.m DESC": [5, 4, 3, 2, 1, 0], "params.p ASC": [3, 0, 4, 1, 5, 2], "tags.letter ASC": [1, 3, 5, 0, 2, 4], "end_time DESC": [4, 2, 0, 5, 3, 1], "attributes.run_name DESC": [5, 4, 3, 2, 1, 0], "start_time": [0, 1, 2, 3, 4, 5]}
for order, expected in orders.items():
    found = [runs.index(run.info.run_id) for run in client.search_runs([experiment], order_by=[order])]
    assert found == expected, (order, found, expected)
found = []
token = None
while True:
    page = client.search_runs([experiment], order_by=["metrics.m DESC"], max_results=4, page_token=token)
    found += [runs.index(run.info.run_id) for run in page]
    token = page.token
    if not token:
        break
assert found == [5, 4, 3, 2, 1, 0], found
print("ok")
