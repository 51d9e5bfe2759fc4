"""Traces as an older client writes them: spans as a file beside the row, assessments not yet, search by tags and status."""

import time

import mlflow
from mlflow import MlflowClient

experiment = mlflow.set_experiment("tracing-2")
client = MlflowClient()


@mlflow.trace(name="work", attributes={"a": "b"})
def work(text):
    mlflow.update_current_trace(tags={"topic": text})
    with mlflow.start_span("inner") as span:
        span.set_inputs({"text": text})
        span.set_outputs([text, "ü 🚀"])
    if text == "bad":
        raise ValueError(text)
    return text.upper()


ids = []
for text in ("one", "two", "bad"):
    try:
        work(text)
    except ValueError:
        pass
    ids.append(mlflow.get_last_active_trace_id())
    time.sleep(0.005)  # Times are in milliseconds: those of one millisecond have no order.
trace = client.get_trace(ids[0])
assert trace.info.status == "OK" and trace.info.tags["topic"] == "one", trace.info
spans = {span.name: span for span in trace.data.spans}
assert set(spans) == {"work", "inner"} and spans["inner"].parent_id == spans["work"].span_id
assert spans["inner"].outputs == ["one", "ü 🚀"] and spans["work"].outputs == "ONE"
assert client.get_trace(ids[2]).info.status == "ERROR"
here = [experiment.experiment_id]
assert [each.info.request_id for each in client.search_traces(here, "tags.topic = 'two'")] == [ids[1]]
assert [each.info.request_id for each in client.search_traces(here, "status = 'ERROR'")] == [ids[2]]
assert [each.info.request_id for each in client.search_traces(here, "trace.name = 'work'", max_results=2, order_by=["timestamp_ms ASC"])] == ids[:2]
client.set_trace_tag(ids[1], "extra", "1")
assert client.get_trace(ids[1]).info.tags["extra"] == "1"
client.delete_trace_tag(ids[1], "extra")
by_hand = client.start_trace("by hand", inputs={"a": 1})
child = client.start_span("child", request_id=by_hand.request_id, parent_id=by_hand.span_id)
client.end_span(by_hand.request_id, child.span_id)
client.end_trace(by_hand.request_id, outputs=2)
assert len(client.get_trace(by_hand.request_id).data.spans) == 2
assert client.delete_traces(experiment.experiment_id, request_ids=[ids[2]]) == 1
assert client.search_traces(here, "status = 'ERROR'") == []
print("ok")
