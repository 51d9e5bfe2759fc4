"""Fills a folder of the stock file store: `fill`; or prints what a client sees of it, or of a server, in a form that can be compared: `dump`."""

import json
import os
import sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
import numpy
from mlflow.entities import AssessmentSource, Metric, ViewType

client = mlflow.MlflowClient()
of_3 = int(mlflow.__version__.split(".")[0]) >= 3
largest = 1.7976931348623157e308


def fill():
    numpy.random.seed(7)
    client.set_experiment_tag(mlflow.set_experiment("folder").experiment_id, "team/of", "a")
    with mlflow.start_run(run_name="parent: 1e5", tags={"kind/of": "test"}, description="a note") as parent:
        mlflow.log_params({"alpha": 0.5, "deep/er/text": "ünï – \"quoted\"\nline", "empty": ""})
        points = [Metric("train/loss", float(value), 1_700_000_000_000 + step, step) for step, value in enumerate(numpy.random.rand(2500))]
        points += [Metric("odd", value, 1, step) for step, value in enumerate([float("nan"), float("inf"), -float("inf"), 0.0])]
        points.append(Metric("far", 1.0, 9_007_199_254_740_993, -9_007_199_254_740_993))
        points += [Metric("long", step / 7, 1_700_000_000_000 + step, step) for step in range(20_000)]
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
    with mlflow.start_run(run_name="killed"):
        pass
    client.set_terminated(mlflow.last_active_run().info.run_id, "KILLED")
    deleted = client.create_experiment("deleted experiment", tags={"x": "y"})
    of_deleted = client.create_run(deleted)
    client.log_text(of_deleted.info.run_id, "kept", "kept.txt")
    client.delete_experiment(deleted)
    fill_models(parent.info.run_id)
    fill_traces()


def fill_models(run_id):
    client.create_registered_model("registered", tags={"team": "a"}, description="described: yes")
    sources = [client.get_run(run_id).info.artifact_uri + "/notes"] * 2
    if of_3:
        model = mlflow.initialize_logged_model(name="model", source_run_id=run_id, tags={"m/1": "1"}, params={"p": "2"})
        mlflow.log_metric("score", 0.75, step=0, model_id=model.model_id, run_id=run_id)
        client.log_model_artifact(model.model_id, __file__)
        mlflow.finalize_logged_model(model.model_id, "READY")
        sources.append(f"models:/{model.model_id}")
    for source in sources:
        client.create_model_version("registered", source, run_id=run_id, tags={"v/1": "1"}, description="a version")
    client.create_model_version("registered", sources[0], run_id=run_id)
    client.delete_model_version("registered", str(len(sources) + 1))
    client.delete_model_version("registered", "2")
    client.set_registered_model_alias("registered", "champion", "1")
    client.transition_model_version_stage("registered", "1", "Staging")
    if of_3:
        mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}", tags={"lang": "en"})


def fill_traces():
    with mlflow.start_span(name="outer") as span:
        span.set_inputs({"q": 1})
        with mlflow.start_span(name="inner", span_type="LLM") as inner:
            inner.set_outputs(["a"])
            inner.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
        mlflow.update_current_trace(tags={"tagged": "yes"})
        if of_3:
            mlflow.update_current_trace(metadata={"mlflow.trace.session": "talk"})
        span.set_outputs("done")
    mlflow.flush_trace_async_logging()
    if not of_3:
        return
    who = AssessmentSource(source_type="HUMAN", source_id="ann")
    mlflow.log_feedback(trace_id=span.trace_id, name="good", value=True, source=who, rationale="it is")
    mlflow.log_expectation(trace_id=span.trace_id, name="answer", value={"a": [1, 2.5, None, "1e5"]}, source=who)


def text(value):
    """Servers keep the infinities as the largest numbers."""
    return "NaN" if isinstance(value, float) and value != value else str(max(-largest, min(largest, value)))


def run_of(run):
    data = run.data.to_dictionary()
    history = {
        key: sorted([m.step, m.timestamp, text(m.value)] for m in client.get_metric_history(run.info.run_id, key))
        for key in data["metrics"]
    }
    return {
        "info": {key: value for key, value in dict(run.info).items() if key not in ("artifact_uri", "experiment_id")},
        "data": {**data, "metrics": {key: text(value) for key, value in data["metrics"].items()}},
        "history": history,
        "inputs": [
            [read.dataset.name, read.dataset.digest, read.dataset.source, read.dataset.schema, read.dataset.profile]
            + sorted([t.key, t.value] for t in read.tags)
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


def files_at(uri):
    folder = mlflow.artifacts.download_artifacts(artifact_uri=uri)
    names = sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)
    return [[name, open(os.path.join(folder, name), "rb").read().hex()[:200]] for name in names]


def dump():
    experiments = client.search_experiments(view_type=ViewType.ALL, order_by=["name ASC"])
    ids = [e.experiment_id for e in experiments]
    runs = client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000)
    versions = client.search_model_versions()
    seen = {
        "experiments": [
            {k: v for k, v in dict(e).items() if k not in ("artifact_location", "experiment_id")} for e in experiments
        ],
        "runs": sorted([run_of(client.get_run(run.info.run_id)) for run in runs], key=lambda run: run["info"]["run_id"]),
        "registered": [
            [m.name, m.description, m.tags, m.aliases, m.creation_timestamp]
            for m in client.search_registered_models(order_by=["name ASC"])
        ],
        "versions": sorted(
            [v.name, int(v.version), v.run_id, v.current_stage, v.tags, v.description, v.creation_timestamp] for v in versions
        ),
        "version files": sorted([str(v.version), files_at(f"models:/{v.name}/{v.version}")] for v in versions if v.name == "registered"),
    }
    if of_3:
        seen["logged_models"] = sorted(
            [m.model_id, m.name, str(m.status), m.source_run_id, m.params, m.tags, [[x.key, x.value, x.step] for x in m.metrics or []]]
            for m in client.search_logged_models(experiment_ids=ids)
        )
        names = {e.experiment_id: e.name for e in experiments}
        of_prompt = "_mlflow_experiment_ids"
        seen["prompts"] = [
            [p.name, {**p.tags, of_prompt: [names[id] for id in p.tags[of_prompt].split(",") if id]}]
            for p in mlflow.genai.search_prompts()
        ]
        seen["prompt"] = client.get_prompt_version("greeting", 1).template
        seen["traces"] = [trace_of(t) for t in client.search_traces(locations=ids, max_results=100)]
    else:
        seen["traces"] = [trace_of_2(t) for t in client.search_traces(experiment_ids=ids, max_results=100)]
    print(json.dumps(seen, sort_keys=True, default=str))


def trace_of(trace):
    info = trace.info
    return [
        info.trace_id,
        info.state.value,
        info.request_time,
        info.execution_duration,
        info.request_preview,
        info.response_preview,
        {key: value for key, value in info.tags.items() if key != "mlflow.artifactLocation"},
        info.trace_metadata,
        sorted([s.name, s.span_type, s.start_time_ns, s.end_time_ns, json.dumps(s.inputs), json.dumps(s.outputs)] for s in trace.data.spans),
        sorted([a.name, json.dumps(a.value), a.source.source_id, str(a.rationale), a.create_time_ms] for a in info.assessments),
    ]


def trace_of_2(trace):
    info = trace.info
    return [
        info.request_id,
        str(info.status),
        info.timestamp_ms,
        info.execution_time_ms,
        {key: value for key, value in info.tags.items() if key != "mlflow.artifactLocation"},
        info.request_metadata,
        sorted([s.name, s.span_type, s.start_time_ns, s.end_time_ns, json.dumps(s.inputs), json.dumps(s.outputs)] for s in trace.data.spans),
    ]


{"fill": fill, "dump": dump}[sys.argv[1]]()
print("ok")
