"""Traces: decorated functions, spans by hand, errors, attributes, tags, sessions, searches, assessments, deletion."""

import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, SpanType

experiment = mlflow.set_experiment("tracing")
here = [experiment.experiment_id]


@mlflow.trace(span_type=SpanType.CHAIN, attributes={"team": "blue"})
def answer(question):
    mlflow.update_current_trace(tags={"topic": question}, metadata={"mlflow.trace.session": "s-1", "mlflow.trace.user": "ann"})
    with mlflow.start_span("retrieve", span_type=SpanType.RETRIEVER) as span:
        span.set_inputs({"query": question})
        span.set_outputs(["doc ü 🚀"])
        span.set_attribute("count", 1)
    with mlflow.start_span("llm", span_type=SpanType.LLM) as span:
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
        span.set_outputs("text")
    if question == "bad":
        raise ValueError("on purpose")
    return {"answer": question.upper()}


ids = []
for question in ("one", "two", "three"):
    assert answer(question) == {"answer": question.upper()}
    ids.append(mlflow.get_last_active_trace_id())
    time.sleep(0.005)  # Times are in milliseconds: those of one millisecond have no order.
try:
    answer("bad")
except ValueError:
    ids.append(mlflow.get_last_active_trace_id())
mlflow.flush_trace_async_logging()

client = MlflowClient()
for _ in range(100):
    found = client.search_traces(locations=here) if hasattr(client, "search_traces") else []
    if len(found) == 4:
        break
    time.sleep(0.1)
assert len(found) == 4, found
trace = mlflow.get_trace(ids[0])
assert trace.info.state == "OK" and trace.info.tags["topic"] == "one" and trace.info.tags["mlflow.traceName"] == "answer", trace.info
assert trace.info.trace_metadata["mlflow.trace.session"] == "s-1"
assert trace.info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, trace.info.token_usage
spans = {span.name: span for span in trace.data.spans}
assert set(spans) == {"answer", "retrieve", "llm"}
assert spans["retrieve"].parent_id == spans["answer"].span_id and spans["retrieve"].span_type == "RETRIEVER"
assert spans["retrieve"].outputs == ["doc ü 🚀"] and spans["retrieve"].attributes["count"] == 1
assert spans["answer"].inputs == {"question": "one"} and spans["answer"].outputs == {"answer": "ONE"}
assert mlflow.get_trace(ids[3]).info.state == "ERROR"
failed = {span.name: span for span in mlflow.get_trace(ids[3]).data.spans}["answer"]
assert failed.status.status_code.value == "ERROR" and any(event.name == "exception" for event in failed.events)


def names(filter_string, **options):
    return sorted(each.info.tags["topic"] for each in mlflow.search_traces(locations=here, filter_string=filter_string, return_type="list", **options))


assert names("attributes.status = 'ERROR'") == ["bad"]
assert names("tags.topic = 'two'") == ["two"]
assert names("tags.topic LIKE 't%'") == ["three", "two"]
assert names("trace.name = 'answer' AND trace.status = 'OK'") == ["one", "three", "two"]
assert names("metadata.`mlflow.trace.session` = 's-1'") == ["bad", "one", "three", "two"]
assert names("span.name = 'llm' AND span.type = 'LLM'") == ["bad", "one", "three", "two"]
assert names("trace.text LIKE '%THREE%'") == ["three"]
assert names("timestamp > 0", order_by=["timestamp DESC"], max_results=2) == ["bad", "three"]

with mlflow.start_run() as run:
    answer("in a run")
mlflow.flush_trace_async_logging()
linked = mlflow.get_last_active_trace_id()
assert mlflow.get_trace(linked).info.trace_metadata["mlflow.sourceRun"] == run.info.run_id
assert [each.info.trace_id for each in mlflow.search_traces(locations=here, run_id=run.info.run_id, return_type="list")] == [linked]

by_hand = client.start_trace("by hand", inputs={"a": 1}, tags={"topic": "hand"})
child = client.start_span("child", trace_id=by_hand.trace_id, parent_id=by_hand.span_id, inputs=[1])
client.end_span(by_hand.trace_id, child.span_id, outputs=[2])
client.end_trace(by_hand.trace_id, outputs={"b": 2})
mlflow.flush_trace_async_logging()
assert len(mlflow.get_trace(by_hand.trace_id).data.spans) == 2

human = AssessmentSource(source_type="HUMAN", source_id="ann")
mlflow.log_feedback(trace_id=ids[0], name="helpful", value=True, source=human, rationale="it was", metadata={"k": "v"})
score = mlflow.log_feedback(trace_id=ids[1], name="score", value=0.25, source=human)
wanted = mlflow.log_expectation(trace_id=ids[1], name="wanted", value={"text": "TWO"}, source=human)
assert mlflow.get_assessment(ids[1], score.assessment_id).value == 0.25
found = {each.name: each for each in mlflow.get_trace(ids[1]).info.assessments}
assert found["wanted"].value == {"text": "TWO"} and found["score"].source.source_id == "ann"
from mlflow.entities import Feedback

mlflow.update_assessment(ids[1], score.assessment_id, Feedback(name="score", value=0.75, rationale="looked again"))
assert mlflow.get_assessment(ids[1], score.assessment_id).value == 0.75
override = mlflow.override_feedback(trace_id=ids[1], assessment_id=score.assessment_id, value=0.5, source=human)
assert mlflow.get_assessment(ids[1], override.assessment_id).overrides == score.assessment_id
mlflow.delete_assessment(ids[1], wanted.assessment_id)
assert "wanted" not in {each.name for each in mlflow.get_trace(ids[1]).info.assessments}
assert names("feedback.helpful = 'true'") == ["one"]

mlflow.set_trace_tag(ids[2], "extra", "1")
assert mlflow.get_trace(ids[2]).info.tags["extra"] == "1"
mlflow.delete_trace_tag(ids[2], "extra")
assert "extra" not in mlflow.get_trace(ids[2]).info.tags
assert client.delete_traces(experiment.experiment_id, trace_ids=[ids[3]]) == 1
assert names("attributes.status = 'ERROR'") == []
print("ok")
