"""Asks the gateway with Triton's stock gRPC clients and gRPC's health client; prints what they found as JSON."""
import asyncio
import json
import queue
import sys

import grpc
import numpy as np
import tritonclient.grpc as client
import tritonclient.grpc.aio as aio_client
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.utils import InferenceServerException

address = sys.argv[1]
found = {}


def inputs(x, kind=client):
    rows = len(x)
    values = {
        "x": ("FP64", np.array(x, dtype=np.float64)),
        "carrier": ("BYTES", np.array(["AA"] * rows, dtype=object)),
        "date": ("BYTES", np.array(["2001-01-31T07:45:00Z"] * rows, dtype=object)),
    }
    tensors = []
    for name, (datatype, data) in values.items():
        tensor = kind.InferInput(name, [rows], datatype)
        tensor.set_data_from_numpy(data)
        tensors.append(tensor)
    return tensors


def positives(result):
    return [float(row[1]) for row in result.as_numpy("probabilities")]


def status_of(call):
    try:
        call()
        return "no error"
    except InferenceServerException as error:
        return [error.status(), error.message()]


triton = client.InferenceServerClient(address)
rows = [1.0, -3.0, 0.25]
found["live"] = [triton.is_server_live(), triton.is_server_ready(), triton.is_model_ready("flights"), triton.is_model_ready("flights", "1")]
found["server"] = triton.get_server_metadata(as_json=True)
found["model"] = triton.get_model_metadata("flights", as_json=True)
found["config"] = triton.get_model_config("flights", as_json=True)["config"]
found["index"] = triton.get_model_repository_index(as_json=True)

plain = triton.infer("flights", inputs(rows), request_id="mine", headers={"trueloop-key": "k"})
found["plain"] = positives(plain)
found["labels"] = [label.decode() for label in plain.as_numpy("label")]
found["id"] = plain.get_response().id
found["prediction_id"] = plain.get_response().parameters["prediction_id"].string_param
found["gzip"] = positives(triton.infer("flights", inputs(rows), compression_algorithm="gzip"))
found["deflate"] = positives(triton.infer("flights", inputs(rows), compression_algorithm="deflate"))
found["scheduled"] = positives(triton.infer("flights", inputs(rows), priority=1, timeout=5_000_000, client_timeout=10))
wanted = [client.InferRequestedOutput("probabilities", class_count=1)]
found["classes"] = [row[0].decode() for row in triton.infer("flights", inputs(rows), outputs=wanted).as_numpy("probabilities")]
found["empty"] = list(triton.infer("flights", inputs([])).as_numpy("probabilities").shape)
found["many"] = len(triton.infer("flights", inputs([0.5] * 10_000)).as_numpy("label"))
found["statistics"] = triton.get_inference_statistics("flights", as_json=True)["model_stats"][0]

answers = queue.Queue()
for at in range(20):
    triton.async_infer("flights", inputs([float(at)]), callback=lambda result, error: answers.put((result, error)), request_id=str(at))
collected = [answers.get(timeout=30) for _ in range(20)]
found["callbacks"] = sorted(int(result.get_response().id) for result, error in collected if error is None)

triton.start_stream(lambda result, error: answers.put((result, error)))
for at in range(500):
    triton.async_stream_infer("flights", inputs([at / 100]), request_id=str(at), enable_empty_final_response=True)
triton.async_stream_infer("nobody", inputs([1.0]))
triton.async_stream_infer("flights", inputs(rows), request_id="after")
streamed = [answers.get(timeout=30) for _ in range(502)]
triton.stop_stream()
found["streamed"] = [int(result.get_response().id) for result, error in streamed[:500]]
found["final"] = streamed[0][0].get_response().parameters["triton_final_response"].bool_param
found["stream_error"] = str(streamed[500][1])
found["after"] = positives(streamed[501][0])


async def asynchronously():
    async with aio_client.InferenceServerClient(address) as each:
        results = await asyncio.gather(*(each.infer("flights", inputs(rows, aio_client)) for _ in range(50)))

        async def requests():
            for at in range(20):
                yield {"model_name": "flights", "inputs": inputs([float(at)], aio_client), "request_id": str(at)}

        ids = []
        async for result, error in each.stream_infer(requests()):
            ids.append(int(result.get_response().id) if error is None else str(error))
        return positives(results[-1]), ids


found["aio"], found["aio_stream"] = asyncio.run(asynchronously())

bad_output = [client.InferRequestedOutput("nothing")]
float_x = client.InferInput("x", [1], "FP32")
float_x.set_data_from_numpy(np.array([1], dtype=np.float32))
large = client.InferInput("x", [2_000_000], "FP64")
large.set_data_from_numpy(np.zeros(2_000_000))
found["errors"] = {
    "model": status_of(lambda: triton.infer("nobody", inputs(rows))),
    "version": status_of(lambda: triton.infer("flights", inputs(rows), model_version="9")),
    "output": status_of(lambda: triton.infer("flights", inputs(rows), outputs=bad_output)),
    "missing": status_of(lambda: triton.infer("flights", [float_x])),
    "rows": status_of(lambda: triton.infer("flights", inputs([1.0] * 10_001))),
    "large": status_of(lambda: triton.infer("flights", [large])),
    "shared": status_of(lambda: triton.get_system_shared_memory_status()),
    "cuda": status_of(lambda: triton.get_cuda_shared_memory_status()),
    "trace": status_of(lambda: triton.get_trace_settings()),
    "log": status_of(lambda: triton.get_log_settings()),
    "config": status_of(lambda: triton.load_model("flights", config="{}")),
    "load": status_of(lambda: triton.load_model("nobody")),
}

channel = grpc.insecure_channel(address)
health = health_pb2_grpc.HealthStub(channel)
found["health"] = health.Check(health_pb2.HealthCheckRequest(service="inference.GRPCInferenceService")).status
watch = health.Watch(health_pb2.HealthCheckRequest(service=""))
found["watch"] = next(watch).status
watch.cancel()
try:
    health.Check(health_pb2.HealthCheckRequest(service="nobody"))
except grpc.RpcError as error:
    found["health_unknown"] = error.code().name
reflection = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
try:
    list(reflection(iter([b""])))
except grpc.RpcError as error:
    found["reflection"] = error.code().name

triton.unload_model("flights")
found["unloaded"] = [triton.is_model_ready("flights"), status_of(lambda: triton.infer("flights", inputs(rows)))]
triton.load_model("flights")
found["loaded"] = triton.is_model_ready("flights")
found["again"] = positives(triton.infer("flights", inputs(rows)))
print(json.dumps(found))
