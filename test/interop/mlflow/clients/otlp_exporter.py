"""OpenTelemetry's own SDK and exporter, without MLflow's client: its spans are a trace, packed or not, in one batch or in many."""

import json
import os
import time
import urllib.request

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

server = os.environ["MLFLOW_TRACKING_URI"]


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/api/{path}", data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


experiment = call("2.0/mlflow/experiments/create", {"name": f"opentelemetry {time.time_ns()}"})["experiment_id"]
here = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}]


def record(compression, processor):
    """One chat of two spans, each sent as `processor` has it; answers the id of the trace."""
    headers = {"x-mlflow-experiment-id": experiment}
    exporter = OTLPSpanExporter(endpoint=f"{server}/v1/traces", headers=headers, compression=compression)
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "replica": 3}))
    provider.add_span_processor(processor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("chat", attributes={"session.id": "s-1", "input.value": '{"q": "ü 🚀"}', "openinference.span.kind": "CHAIN"}) as root:
        try:
            with tracer.start_as_current_span("model") as span:
                span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2, "list": [1.5, 2.0]})
                span.add_event("tried", {"times": 2})
                raise ValueError("on purpose")
        except ValueError:
            pass
    provider.shutdown()
    return f"tr-{root.get_span_context().trace_id:032x}"


for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
    for processor in (SimpleSpanProcessor, BatchSpanProcessor):
        trace_id = record(compression, processor)
        found = call(f"3.0/mlflow/traces/get?trace_id={trace_id}")["trace"]
        info = found["trace_info"]
        assert info["state"] == "OK" and info["tags"]["service.name"] == "shop" and info["tags"]["replica"] == "3", info
        assert info["request_preview"] == '{"q": "ü 🚀"}', info
        usage = json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])
        assert usage == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}, usage
        chat, model = found["spans"]
        assert model["parent_span_id"] == chat["span_id"] and model["status"]["code"] == "STATUS_CODE_ERROR"
        assert {event["name"] for event in model["events"]} == {"tried", "exception"}
        values = {each["key"]: each.get("value") for each in model["attributes"]}
        assert values["list"] == {"array_value": {"values": [{"double_value": 1.5}, {"double_value": 2.0}]}}, values["list"]
        assert values["mlflow.spanType"] == {"string_value": "CHAT_MODEL"}

search = {"locations": here, "filter": "span.type = 'CHAT_MODEL' AND span.status = 'ERROR' AND metadata.`mlflow.trace.session` = 's-1'"}
assert len(call("3.0/mlflow/traces/search", search)["traces"]) == 6

# A trace of many spans arrives in many batches, while it is looked at.
exporter = OTLPSpanExporter(endpoint=f"{server}/v1/traces", headers={"x-mlflow-experiment-id": experiment}, compression=Compression.Gzip)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=100_000, max_export_batch_size=512))
tracer = provider.get_tracer("test")
count = 5_000
with tracer.start_as_current_span("many") as root:
    for number in range(count):
        with tracer.start_as_current_span("step", attributes={"number": number, "gen_ai.usage.input_tokens": 1}):
            pass
provider.shutdown()
trace_id = f"tr-{root.get_span_context().trace_id:032x}"
took = float("inf")
for _ in range(3):
    began = time.monotonic()
    info = call(f"3.0/mlflow/traces/{trace_id}")["trace"]["trace_info"]
    took = min(took, time.monotonic() - began)
assert json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])["input_tokens"] == count, info
assert took < 1, f"what is known of a trace of {count} spans took {took:.1f} s"
assert len(call(f"3.0/mlflow/traces/get?trace_id={trace_id}")["trace"]["spans"]) == count + 1
print("ok")
