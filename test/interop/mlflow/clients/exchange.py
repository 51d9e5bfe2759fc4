"""Prints all that a server knows, in a form in which two servers can be compared: `dump`; or fills one: `fill`."""

import json
import sys

import mlflow
import numpy
from mlflow.entities import AssessmentSource, Metric, ViewType
from mlflow.entities.webhook import WebhookEvent
from mlflow.genai import label_schemas, review_queues
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.scorers import Guidelines, list_scorers
from mlflow.genai.scorers.registry import list_scorer_versions

client = mlflow.MlflowClient()
store = client._tracking_client.store


def fill():
    numpy.random.seed(7)
    mlflow.set_experiment("exchange")
    with mlflow.start_run(run_name="parent", tags={"kind": "test"}, description="a note") as parent:
        mlflow.log_params({"alpha": 0.5, "text": "ünï – \"quoted\""})
        points = [Metric("loss", float(value), 1_700_000_000_000 + step, step) for step, value in enumerate(numpy.random.rand(2500))]
        points += [Metric("odd", value, 1, step) for step, value in enumerate([float("nan"), float("inf"), -float("inf"), 0.0])]
        points.append(Metric("far", 1.0, 9_007_199_254_740_993, -9_007_199_254_740_993))
        for at in range(0, len(points), 1000):
            client.log_batch(parent.info.run_id, metrics=points[at : at + 1000])
        mlflow.log_input(mlflow.data.from_numpy(numpy.arange(6.0), name="numbers"), context="training", tags={"t": "1"})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "dict.json")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("m", 1)
    with mlflow.start_run(run_name="deleted") as gone:
        mlflow.log_metric("m", 2)
    client.delete_run(gone.info.run_id)
    deleted = client.create_experiment("deleted experiment", tags={"x": "y"})
    client.create_run(deleted)
    client.delete_experiment(deleted)
    model = mlflow.initialize_logged_model(name="model", source_run_id=parent.info.run_id, tags={"m": "1"}, params={"p": "2"})
    mlflow.log_metric("score", 0.75, model_id=model.model_id, run_id=parent.info.run_id)
    mlflow.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("registered", tags={"team": "a"}, description="described")
    for _ in range(3):
        client.create_model_version("registered", f"models:/{model.model_id}", run_id=parent.info.run_id, tags={"v": "1"}, model_id=model.model_id)
    client.delete_model_version("registered", "2")
    client.set_registered_model_alias("registered", "champion", "3")
    client.transition_model_version_stage("registered", "1", "Staging")
    mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}", tags={"lang": "en"})
    with mlflow.start_span(name="outer") as span:
        span.set_inputs({"q": 1})
        with mlflow.start_span(name="inner", span_type="LLM") as inner:
            inner.set_outputs(["a"])
        span.set_outputs("done")
    mlflow.flush_trace_async_logging()
    mlflow.log_feedback(trace_id=span.trace_id, name="good", value=True, source=AssessmentSource(source_type="HUMAN", source_id="ann"))
    client.set_trace_tag(span.trace_id, "tagged", "yes")
    dataset = mlflow.genai.datasets.create_dataset(name="questions", experiment_id=[parent.info.experiment_id], tags={"a": "b"})
    dataset.merge_records([{"inputs": {"q": "one"}, "expectations": {"a": 1}}, {"inputs": {"q": "two", "n": 1.0}, "outputs": ["x"]}])
    label(parent.info.experiment_id, span.trace_id)
    events = [WebhookEvent(entity="model_version", action="created"), WebhookEvent(entity="registered_model", action="created")]
    client.create_webhook("signed", "https://93.184.215.14/hook", events, description="all", secret="a secret")
    client.create_webhook("open", "https://93.184.215.14/other", events[:1], status="DISABLED")


def label(experiment, trace):
    for _ in range(2):
        Guidelines(name="polite", guidelines=["Be polite."]).register(name="polite", experiment_id=experiment)
    inputs = [InputPassFail("Yes", "No"), InputCategorical(["a", "b"], multi_select=True), InputNumeric(0.5, None), InputText(max_length=9)]
    made = [
        label_schemas.create_label_schema(name=f"q{at}", type="feedback", input=each, instruction="Look.", enable_comment=at == 1)
        for at, each in enumerate(inputs)
    ]
    queue = review_queues.create_review_queue(name="First Look", queue_type="custom", users=["Ann"], schema_ids=[each.schema_id for each in made])
    review_queues.add_items_to_review_queue(queue_id=queue.queue_id, item_ids=[trace])
    review_queues.set_review_queue_item_status(queue_id=queue.queue_id, item_id=trace, status="complete", completed_by="Ann")
    store.create_issue(experiment_id=experiment, name="rude", description="It shouts.", created_by="ann", categories=["tone"], severity="high")


def plain(value):
    if isinstance(value, float) and value != value:
        return "NaN"
    return value


def run_of(run):
    data = run.data.to_dictionary()
    history = {
        key: sorted([m.step, m.timestamp, str(plain(m.value))] for m in client.get_metric_history(run.info.run_id, key))
        for key in data["metrics"]
    }
    info = {key: value for key, value in dict(run.info).items() if key != "artifact_uri"}
    return {
        "info": info,
        "data": {**data, "metrics": {key: str(plain(value)) for key, value in data["metrics"].items()}},
        "history": history,
        "inputs": [
            [read.dataset.name, read.dataset.digest, read.dataset.source, sorted([t.key, t.value] for t in read.tags)]
            for read in run.inputs.dataset_inputs
        ],
        "files": sorted(files_of(run.info.run_id, None)),
    }


def files_of(run_id, path):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from files_of(run_id, entry.path)
        else:
            local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=entry.path)
            yield [entry.path, open(local, "rb").read().hex()[:200]]


def records_of(dataset_id):
    frame = mlflow.genai.datasets.get_dataset(dataset_id=dataset_id).to_df()
    return sorted(json.dumps([row["inputs"], row["outputs"], row["expectations"], row["tags"]], default=str) for row in frame.to_dict("records"))


def labels_of(experiment):
    queues = review_queues.list_review_queues(experiment_id=experiment)
    return {
        "scorers": [
            [[version, each.name, each.guidelines] for each, version in list_scorer_versions(name=scorer.name, experiment_id=experiment)]
            for scorer in list_scorers(experiment_id=experiment)
        ],
        # Each experiment has a default question, made when somebody first looks.
        "schemas": [str(each) for each in label_schemas.list_label_schemas(experiment_id=experiment) if not each.is_default],
        "queues": [[str(each), [str(item) for item in review_queues.list_review_queue_items(queue_id=each.queue_id)]] for each in queues],
        "issues": [vars(each) for each in store.search_issues(experiment_id=experiment)],
    }


def dump():
    experiments = client.search_experiments(view_type=ViewType.ALL, order_by=["experiment_id ASC"])
    ids = [e.experiment_id for e in experiments]
    runs = client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000, order_by=["run_id ASC"])
    traces = client.search_traces(locations=ids, max_results=100)
    models = client.search_logged_models(experiment_ids=ids)
    versions = client.search_model_versions(order_by=["name ASC", "version_number ASC"])
    seen = {
        "experiments": [{k: v for k, v in dict(e).items() if k not in ("artifact_location",)} for e in experiments],
        "runs": [run_of(client.get_run(run.info.run_id)) for run in runs],
        "logged_models": sorted(
            [m.model_id, m.name, str(m.status), m.params, m.tags, [[x.key, x.value, x.step] for x in m.metrics or []]] for m in models
        ),
        "registered": [
            [m.name, m.description, m.tags, m.aliases, m.creation_timestamp]
            for m in client.search_registered_models(order_by=["name ASC"])
        ],
        "versions": [[v.name, v.version, v.source, v.run_id, v.current_stage, v.tags, v.creation_timestamp] for v in versions],
        "prompts": [[p.name, p.tags] for p in mlflow.genai.search_prompts()],
        "traces": [
            [
                t.info.trace_id,
                t.info.state.value,
                t.info.request_time,
                t.info.tags,
                t.info.trace_metadata,
                sorted([s.name, s.span_type, s.start_time_ns, s.end_time_ns, json.dumps(s.inputs), json.dumps(s.outputs)] for s in t.data.spans),
                [[a.name, a.value, a.source.source_id] for a in t.info.assessments],
            ]
            for t in traces
        ],
        "datasets": [
            [d.name, d.tags, records_of(d.dataset_id)]
            for d in mlflow.genai.datasets.search_datasets(experiment_ids=ids)
        ],
        "labels": {e.name: labels_of(e.experiment_id) for e in experiments if e.lifecycle_stage == "active"},
        "webhooks": sorted(
            [w.name, w.webhook_id, w.url, w.description, w.status.value, sorted(str(e) for e in w.events), w.creation_timestamp]
            for w in client.list_webhooks()
        ),
    }
    print(json.dumps(seen, sort_keys=True, default=str))


{"fill": fill, "dump": dump}[sys.argv[1]]()
print("ok")
