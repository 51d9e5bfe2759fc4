"""Fills the database of a stock server: runs from lines of JSON on standard input, and one long series. Arguments: store URI, run of the series, points.

Rows are what the server itself would have written, without the days that it would take.
"""

import json
import sys

import sqlalchemy

store, series_run, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
columns = {
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time source_version lifecycle_stage artifact_uri experiment_id",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp run_uuid step is_nan",
    "params": "key value run_uuid",
    "tags": "key value run_uuid",
}
at_once = 2000
pending = {table: [] for table in columns}
engine = sqlalchemy.create_engine(store)


def flush(connection, least=1):
    for table, rows in pending.items():
        if len(rows) < least:
            continue
        names = columns[table].split()
        if engine.dialect.name == "postgresql":
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES %s"
            from psycopg2.extras import execute_values

            with connection.connection.cursor() as cursor:
                execute_values(cursor, statement, rows, page_size=at_once)
        else:
            marks = ", ".join("?" for _ in names)
            connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
        rows.clear()


with engine.begin() as connection:
    for line in sys.stdin:
        run = json.loads(line)
        uri = f"mlflow-artifacts:/{run['experiment']}/{run['id']}/artifacts"
        pending["runs"].append((run["id"], run["name"], "UNKNOWN", "", "", "bench", "RUNNING", run["startMs"], "", "active", uri, int(run["experiment"])))
        for key, value in run["metrics"].items():
            for table in ("metrics", "latest_metrics"):
                pending[table].append((key, value, run["startMs"], run["id"], 0, False))
        pending["params"] += [(key, value, run["id"]) for key, value in run["params"].items()]
        pending["tags"] += [(key, value, run["id"]) for key, value in run["tags"].items()]
        if len(pending["metrics"]) >= at_once:
            flush(connection)
    flush(connection)
    for step in range(points):
        pending["metrics"].append(("curve", step / points, 1_700_000_000_000 + step, series_run, step, False))
        if len(pending["metrics"]) >= at_once:
            flush(connection)
    pending["latest_metrics"].append(("curve", (points - 1) / points, 1_700_000_000_000 + points - 1, series_run, points - 1, False))
    flush(connection)
