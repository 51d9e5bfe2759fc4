"""What stock MLflow makes of search filters and orders: run by hand, its answers are kept in filters_reference.json.

    python test/interop/filters_reference.py > test/interop/filters_reference.json
"""

import json
import sys

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking import sqlalchemy_store as tracking
from mlflow.utils import search_utils as utils
from mlflow.utils.search_logged_model_utils import parse_filter_string
from sqlalchemy.orm import Session

session = Session()


def runs(text):
    parsed = utils.SearchUtils.parse_search_filter(text)
    tracking._get_sqlalchemy_filter_clauses(parsed, session, "sqlite")
    return [{**c, "key": utils.SearchUtils.translate_key_alias(c["key"])} for c in parsed]


def experiments(text):
    parsed = utils.SearchExperimentsUtils.parse_search_filter(text)
    tracking._get_search_experiments_filter_clauses(parsed, "sqlite")
    return parsed


class FakeRegistry(Registry):
    def __init__(self):
        pass

    def _get_workspace_clauses(self, model):
        return []


def registered_models(text):
    parsed = utils.SearchModelUtils.parse_search_filter(text)
    FakeRegistry()._get_search_registered_model_filter_query(session, parsed, "sqlite")
    return parsed


def model_versions(text):
    parsed = utils.SearchModelVersionUtils.parse_search_filter(text)
    FakeRegistry()._get_search_model_versions_filter_clauses(parsed, "sqlite")
    return parsed


def logged_models(text):
    entities = {"attributes": "attribute", "metrics": "metric", "params": "parameter", "tags": "tag"}
    return [
        {"type": entities[c.entity.type.value], "key": c.entity.key, "comparator": c.op, "value": c.value}
        for c in parse_filter_string(text)
    ]


def traces(text):
    parsed = utils.SearchTraceUtils.parse_search_filter_for_search_traces(text)
    tracking._parse_trace_filter.cache_clear()
    scoped = session.query(tracking.SqlTraceInfo.request_id)
    tracking._get_filter_clauses_for_search_traces(text, session, "sqlite", scoped)
    return parsed


def datasets(text):
    parsed = utils.SearchEvaluationDatasetsUtils.parse_search_filter(text)
    tracking._get_search_datasets_filter_clauses(parsed, "sqlite")
    return parsed


def order_of(parse, check):
    def answer(clause):
        type_, key, ascending = parse(clause)
        check([clause])
        return {"type": type_, "key": utils.SearchUtils.translate_key_alias(key), "ascending": ascending}

    return answer


def registered_models_order(clause):
    key, ascending = utils.SearchUtils.parse_order_by_for_search_registered_models(clause)
    Registry._parse_search_registered_models_order_by([clause])
    # Both are the time of the last update.
    return {"type": "attribute", "key": key.replace("last_updated_", "").replace("timestamp", "last_updated_timestamp"), "ascending": ascending}


FILTERS = {
    "runs": (
        runs,
        """
metrics.acc > 0.5
metric.acc>=0.5
metrics.acc = 1
metrics.acc != -1.5e-3
metrics.acc < .5
metrics.acc <= 5.
metrics.acc < +5
metrics.acc > 1e5
metrics.acc > 1E-5
metrics.acc > 1.5E+5
metrics.acc > 0x10
metrics.acc > 'a'
metrics.acc > '0.5'
metrics.acc > abc
metrics.acc > NaN
metrics.acc > "0.5"
metrics.acc LIKE 'a'
metrics.acc IN (1, 2)
metrics.acc == 1
metrics.acc <> 1
metrics.acc =! 1
metrics.acc
metrics.acc >
> 0.5
0.5 < metrics.acc
metrics.acc > 0.5 0.6
metrics.`acc` > 0.5
metrics."acc" > 0.5
metrics.'acc' > 0.5
`metrics`.acc > 0.5
"metrics".acc > 0.5
metrics.`a b` > 0.5
metrics.`a.b` > 0.5
metrics.a.b.c > 0.5
metrics.a-b > 0.5
metrics.`a-b` > 0.5
metrics.a/b > 0.5
metrics."a/b" > 0.5
metrics.1a > 0.5
metrics.a1 > 0.5
metrics._a > 0.5
metrics.a_b > 0.5
metrics.select > 0.5
metrics.order > 0.5
metrics.acc IS NULL
metrics.acc IS NOT NULL
metrics.acc > 0.5 AND metrics.loss < 1
metrics.acc > 0.5 and metrics.loss < 1
metrics.acc > 0.5 metrics.loss < 1
metrics.acc > 0.5 AND
AND metrics.acc > 0.5
metrics.acc > 0.5 AND AND metrics.loss < 1
AND
metrics.acc > 0.5,
metrics.acc > 0.5;
metrics.acc > 0.5; metrics.loss < 1
metrics.acc > 0.5 -- comment
metrics.acc > 0.5\\nAND metrics.loss < 1
metrics.acc > 0.5 & metrics.loss < 1
metrics .acc > 0.5
metrics. acc > 0.5
METRICS.acc > 0.5
metricss.acc > 0.5
.acc > 0.5
metrics. > 0.5
params.lr = '0.1'
param.lr = "0.1"
parameters.lr != '0.1'
parameter.lr LIKE '%1%'
params.lr like '%1%'
params.lr ILIKE '%A%'
params.lr ilike '%A%'
params.lr Like 'x'
params.lr NOT LIKE 'x'
params.lr RLIKE 'x'
params.lr = 0.1
params.lr = lr
params.lr = `lr`
params.lr = ''
params.lr = ""
params.lr = 'it''s'
params.lr = 'it\\'s'
params.lr = 'say "hi"'
params.lr = "it's"
params.lr = 'a\\\\b'
params.lr = 'ünïcode 漢字'
params.lr = 'unclosed
params.lr = unclosed'
params.lr > '0.1'
params.lr IN ('a', 'b')
params.lr NOT IN ('a')
params.lr IS NULL
params.lr is null
params.lr IS NOT NULL
params.lr is not null
params.lr IS
params.lr NOT NULL
params.lr IS NULL AND params.b = 'x'
params.lr='0.1' and tags.a="b"
params.`lr` = '0.1'
params."lr" = '0.1'
params.'lr' = '0.1'
params."l r" = '0.1'
params.lr = 'a' AND params.lr != 'b'
params.ünï = 'a'
params.漢字 = 'a'
params.user-id = 'a'
tags.mlflow.runName = 'x'
tags.`mlflow.runName` = 'x'
tag."mlflow.parentRunId" = 'x'
tags.mlflow.source.name LIKE '%.py'
tags.version = '1'
tags.a.b-c = '1'
tags.'a b' = 'x y'
tags.a IS NULL
tags.a != 'x'
tags.a > 'x'
tags.a = x
tags.a = 1
tags.a = true
tags.a = 'x' AND tags.b ILIKE 'y' AND tags.c IS NOT NULL
attributes.status = 'FINISHED'
attribute.status = 'FINISHED'
attr.status != 'FAILED'
run.status = 'RUNNING'
status = 'FINISHED'
status = "FINISHED"
status IN ('FINISHED', 'FAILED')
status > 'FINISHED'
status = FINISHED
Status = 'FINISHED'
run_id = 'abc'
run_id IN ('abc')
run_id IN ('abc', 'def')
run_id in ("abc", 'def')
run_id IN ("abc","def",)
run_id NOT IN ('abc', 'def')
run_id not in ('abc')
run_id IN ()
run_id IN (abc)
run_id IN ('abc', 1)
run_id IN (1, 2)
run_id IN 'abc'
run_id IN ('abc'
run_id IN ('abc', 'd''ef')
run_id IN ('a\\'b')
attributes.run_id IN ('abc') AND metrics.a > 1
run_id LIKE 'a%'
run_name = 'x'
run_name IN ('x', 'y')
attributes.run_name ILIKE '%x%'
attributes.`run name` = 'x'
attributes."Run Name" = 'x'
`run name` = 'x'
"run name" = 'x'
user_id = 'me'
artifact_uri LIKE 's3%'
start_time > 1700000000000
attributes.start_time <= 1700000000000
start_time > 1.5
start_time > '1700000000000'
start_time LIKE '1'
start_time = -1
end_time < 5
end_time IS NULL
created > 5
attributes.Created > 5
attributes.created >= 5
lifecycle_stage = 'active'
experiment_id = '1'
name = 'x'
attributes.foo = 'x'
foo = 'x'
foo.bar = 'x'
dataset.name = 'x'
datasets.name = 'x'
datasets.digest LIKE '%x%'
datasets.context IN ('train', 'test')
datasets.name NOT IN ('a')
dataset.context != 'x'
dataset.name > 'x'
dataset.source = 'x'
datasets.name IS NULL
datasets.name = 1
metrics.acc > 0.5 OR metrics.loss < 1
(metrics.acc > 0.5)
(metrics.acc > 0.5 AND metrics.loss < 1)
NOT metrics.acc > 0.5
metrics.[acc] > 0.5
[acc] > 0.5
["x"]
metrics.acc BETWEEN 1 AND 2
metrics.acc > metrics.loss
metrics.acc > 1 + 2
params.lr = 'a' 'b'
params.lr = ('a')
lower(params.lr) = 'a'
params.lr = 'a' garbage
garbage
'a'
*
1 = 1
params.lr == 'a'
params.lr = NULL
params.lr != null
params.[a] = 'x'
params.a[0] = 'x'
params.a::text = 'x'
params.a = $1
params.a = ?
params.a = 'x' LIMIT 5
params.a = 'x' ORDER BY a
params.a = 'x' AND (params.b = 'y')
metrics.m > 1 AND run_id IN ('a') AND params.x IS NULL AND tags.y ILIKE 'z' AND start_time > 5
""",
    ),
    "experiments": (
        experiments,
        """
name = 'a'
name != 'a'
name LIKE 'a%'
name ILIKE 'A%'
name like 'a%'
name IN ('a')
name > 'a'
attribute.name = 'a'
attributes.name = 'a'
attr.name = 'a'
experiment_id = '1'
experiment_id IN ('1', '2')
experiment_id NOT IN ('1', '2')
experiment_id = 'x'
experiment_id = 1
experiment_id LIKE '1'
creation_time > 5
last_update_time <= 5
creation_time > 5.5
creation_time > 'a'
creation_time LIKE 5
tags.a = 'x'
tag.a != 'x'
tags.`a b` LIKE '%'
tags.a ilike 'x'
tags.a IS NULL
tags.a IS NOT NULL
tags.a IN ('x')
tags.a > 'x'
tags.a = 1
name IS NULL
params.a = 'x'
foo = 'x'
name = 'a' AND tags.b = 'c'
name = 'a' OR name = 'b'
name = 'a' foo
name = a
lifecycle_stage = 'active'
""",
    ),
    "registeredModels": (
        registered_models,
        """
name = 'a'
name != 'a'
name LIKE '%a%'
name like '%a%'
name ilike '%A%'
name IN ('a', 'b')
name NOT IN ('a')
name > 'a'
name = a
name = 1
attribute.name = 'a'
attributes.name = 'a'
tags.a = 'x'
tag.`a b` != 'x'
tags.`mlflow.prompt.is_prompt` = 'true'
tags.a IS NULL
tags.a IN ('x')
tags.a > 'x'
tags.a = 1
version = '1'
run_id = 'x'
foo = 'x'
foo.bar = 'x'
name = 'a' AND tags.b LIKE 'c%'
name = 'a' OR name = 'b'
`name` = 'a'
""",
    ),
    "modelVersions": (
        model_versions,
        """
name = 'a'
name LIKE 'a%'
name IN ('a', 'b')
run_id = 'x'
run_id IN ('x', 'y')
run_id NOT IN ('x')
run_id IN ()
source_path = 's3://x'
source_path IN ('a')
version_number = 1
version_number > 1
version_number >= 1.5
version_number = '1'
version_number = 'x'
version_number LIKE '1'
version_number IN (1)
tags.a = 'x'
tags.a ILIKE 'x'
tags.a IS NULL
name = 1
name > 'x'
source = 'x'
creation_timestamp > 5
attribute.name = 'x'
name = 'a' AND version_number < 5
""",
    ),
    "loggedModels": (
        logged_models,
        """
name = 'a'
attributes.name = 'a'
attribute.name = 'a'
name != 'a'
name LIKE 'a%'
name like 'a%'
name ILIKE 'A%'
name IN ('a', 'b')
name in ('a')
name NOT IN ('a')
name > 'a'
name = "a"
model_type = 'x'
model_id = 'm-1'
status = 'READY'
source_run_id = 'x'
creation_time > 5
creation_timestamp > 5
creation_timestamp_ms > 5
last_updated_timestamp < 5
creation_time = 'x'
attributes.creation_time > 5
metrics.loss < 0.1
metrics.`a b` >= 1
metrics.loss LIKE 'x'
metrics.loss < 'x'
params.lr = '0.1'
params.lr = 0.1
params.lr > '0.1'
params.lr IN ('a', 'b')
tags.a = 'x'
tags.`a.b` ILIKE '%x%'
tag.a = 'x'
foo.bar = 'x'
name = 'a' AND metrics.loss < 1
name = 'a' OR name = 'b'
name IS NULL
garbage
name = 'a'; name = 'b'
""",
    ),
    "traces": (
        traces,
        """
request_id = 'tr-1'
request_id IN ('tr-1', 'tr-2')
trace.request_id = 'x'
attributes.request_id != 'x'
timestamp > 5
timestamp_ms >= 5
attributes.timestamp > 5
trace.timestamp_ms < 5
timestamp > 5.5
timestamp > 'x'
timestamp = 5 AND status = 'OK'
execution_time > 5
execution_time_ms <= 5
end_time > 5
end_time_ms < 5
status = 'OK'
trace.status = 'ERROR'
status IN ('OK', 'ERROR')
status LIKE 'O%'
status RLIKE '^O'
client_request_id = 'x'
client_request_id ILIKE 'x'
name = 'x'
name IN ('x')
name RLIKE 'x'
trace.name LIKE 'x%'
run_id = 'x'
run_id IN ('x')
run_id != 'x'
prompt = 'a/1'
prompt = 'a'
prompt LIKE 'a/1'
text LIKE '%x%'
trace.text ILIKE '%x%'
text = 'x'
tags.a = 'x'
tag.a != 'x'
tags.a IS NULL
tags.a IS NOT NULL
tags.a IN ('x')
tags.a RLIKE '^x'
tags.`a b` = 'x'
tags.a = 1
metadata.a = 'x'
request_metadata.a = 'x'
metadata.`mlflow.trace.session` = 's'
metadata.a IS NULL
metadata.a IN ('x')
metadata.a > 'x'
span.name = 'x'
span.name IN ('x', 'y')
span.type LIKE 'x'
span.status = 'OK'
span.content LIKE '%x%'
span.content = 'x'
span.attributes.a = 'x'
span.attributes.a.b RLIKE 'x'
span.attributes.a > 'x'
span.foo = 'x'
span.name = 1
feedback.a = 'x'
feedback.a > 0.5
feedback.a = 0.5
feedback.a > 'x'
feedback.a LIKE 'x%'
feedback.a IS NULL
feedback.a IS NOT NULL
feedback.`a b` = 'true'
expectation.a != 'x'
expectation.a <= 1
issue.id = 'i-1'
issue.id != 'i-1'
issue.foo = 'x'
foo = 'x'
foo.bar = 'x'
status = 'OK' OR status = 'ERROR'
request_id = x
request_id > 'x'
execution_time = '5'
experiment_id = '1'
""",
    ),
    "evaluationDatasets": (
        datasets,
        """
name = 'a'
name LIKE 'a%'
name IN ('a', 'b')
name NOT IN ('a')
created_time > 5
last_update_time <= 5
created_time > 5.5
created_time = 'x'
created_by = 'me'
last_updated_by != 'me'
created_by IN ('me')
tags.a = 'x'
tag.a = 'x'
tags.`a` = 'x'
tags.a IS NULL
tags.a IN ('x')
name > 'a'
foo = 'x'
attributes.name = 'x'
name = 'a' AND tags.b ILIKE 'c'
name = 'a' OR name = 'b'
""",
    ),
}

ORDERS = {
    "runs": (
        order_of(utils.SearchUtils.parse_order_by_for_search_runs, lambda c: tracking._get_orderby_clauses(c, session)),
        """
metrics.acc
metrics.acc ASC
metrics.acc DESC
metrics.acc desc
metrics.acc  desc
metrics.`a b` DESC
metrics."a b" DESC
metrics.a.b ASC
metrics.a-b
params.lr
tags.`mlflow.runName` ASC
start_time
start_time DESC
attributes.start_time ASC
attribute.end_time desc
Created DESC
created
run_name
status DESC
experiment_id
artifact_uri
lifecycle_stage
user_id
run_id ASC
foo
foo.bar ASC
dataset.name
metrics.acc FOO
metrics.acc DESC ASC
metrics.acc, params.lr
metrics.acc > 1

ASC
`metrics`.acc
"metrics.acc"
timestamp
metrics.acc DESC NULLS LAST
""",
    ),
    "experiments": (
        order_of(utils.SearchExperimentsUtils.parse_order_by_for_search_experiments, tracking._get_search_experiments_order_by_clauses),
        """
name
name ASC
experiment_id DESC
creation_time
last_update_time DESC
attribute.name
tags.a
foo
lifecycle_stage
""",
    ),
    "registeredModels": (
        registered_models_order,
        """
[null]
name
name DESC
timestamp
timestamp DESC
last_updated_timestamp ASC
creation_timestamp
attribute.name
foo
""",
    ),
    "modelVersions": (
        order_of(utils.SearchModelVersionUtils.parse_order_by_for_search_model_versions, Registry._parse_search_model_versions_order_by),
        """
name
version_number DESC
creation_timestamp
last_updated_timestamp DESC
run_id
tags.a
foo
""",
    ),
    "traces": (
        order_of(utils.SearchTraceUtils.parse_order_by_for_search_traces, lambda c: tracking._get_orderby_clauses_for_search_traces(c, session)),
        """
timestamp
timestamp DESC
timestamp_ms
timestamp_ms ASC
attributes.timestamp DESC
execution_time
end_time DESC
status
name
run_id DESC
experiment_id
request_id
tags.a
metadata.a
client_request_id
foo
""",
    ),
    "evaluationDatasets": (
        order_of(utils.SearchEvaluationDatasetsUtils.parse_order_by_for_search_evaluation_datasets, tracking._get_search_datasets_order_by_clauses),
        """
name
created_time DESC
last_update_time
created_by
tags.a
foo
""",
    ),
}


def answered(parse, text):
    try:
        found = parse(text)
    except MlflowException as error:
        return {"error": error.message, "code": error.error_code}
    except Exception as error:  # Stock answers 500; no client relies on it.
        return {"crash": f"{type(error).__name__}: {error}"}
    for comparison in found if isinstance(found, list) else []:
        comparison["comparator"] = comparison["comparator"].upper()
    return {"found": found}


def table(parsers):
    return [
        {"target": target, "text": text, **answered(parse, text)}
        for target, (parse, texts) in parsers.items()
        for text in (line.replace("\\n", "\n").replace("\\\\", "\\") if "\\" in line else line for line in texts.strip("\n").split("\n"))
    ]


json.dump(
    {"mlflow": mlflow.__version__, "filters": table(FILTERS), "orders": table(ORDERS)},
    sys.stdout,
    indent=1,
    ensure_ascii=False,
)
sys.stdout.write("\n")
