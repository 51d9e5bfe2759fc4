"""Load over gRPC until standard input ends: kept channels, a channel for each call, and streams. Prints what became of it as JSON."""
import json
import struct
import sys
import threading
import time

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

address, kept_channels, short_channels, streams, ends_at_failure = sys.argv[1], *map(int, sys.argv[2:6])
stopped = threading.Event()
lock = threading.Lock()
counts = {"kept": 0, "short": 0, "streamed": 0, "streams": 0, "lost": 0}
failures, versions = [], {}
# Without it, channels of one process share their connections, and a new channel is no new connection.
options = [("grpc.use_local_subchannel_pool", 1)]


def request(x):
    text = lambda value: len(value).to_bytes(4, "little") + value
    names = [("x", "FP64"), ("carrier", "BYTES"), ("date", "BYTES")]
    inputs = [service_pb2.ModelInferRequest.InferInputTensor(name=n, datatype=d, shape=[1]) for n, d in names]
    raw = [struct.pack("<d", x), text(b"AA"), text(b"2001-01-31T07:45:00Z")]
    return service_pb2.ModelInferRequest(model_name="flights", inputs=inputs, raw_input_contents=raw)


def note(kind, answer):
    with lock:
        counts[kind] += 1
        version = answer.parameters["version"].string_param
        versions[version] = versions.get(version, 0) + 1


def fail(kind, error):
    with lock:
        failures.append([kind, error.code().name, error.details()])


def goes_on():
    """Those who end at a failure are there until they met it."""
    return ends_at_failure or not stopped.is_set()


def kept():
    with grpc.insecure_channel(address, options) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        while goes_on():
            try:
                note("kept", stub.ModelInfer(request(1.0), timeout=30))
            except grpc.RpcError as error:
                fail("kept", error)
                if ends_at_failure:
                    return


def short():
    while goes_on():
        with grpc.insecure_channel(address, options) as channel:
            try:
                note("short", service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request(2.0), timeout=30))
            except grpc.RpcError as error:
                fail("short", error)
                if ends_at_failure:
                    return


def streamed():
    """Streams of 50 requests, each sent when the one before it is answered."""
    with grpc.insecure_channel(address, options) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        while not stopped.is_set():
            turn = threading.Semaphore(1)
            sent = [0]

            def requests():
                while sent[0] < 50 and not stopped.is_set():
                    turn.acquire()
                    sent[0] += 1
                    yield request(3.0)
                turn.acquire()

            answered = 0
            try:
                for answer in stub.ModelStreamInfer(requests()):
                    assert answer.error_message == "", answer.error_message
                    answered += 1
                    note("streamed", answer.infer_response)
                    turn.release()
                with lock:
                    counts["streams"] += 1
                    counts["lost"] += sent[0] - answered
            except grpc.RpcError as error:
                turn.release()
                fail("streamed", error)
                if ends_at_failure:
                    return


workers = [kept] * kept_channels + [short] * short_channels + [streamed] * streams
threads = [threading.Thread(target=work) for work in workers]
started = time.monotonic()
for thread in threads:
    thread.start()
print("started", flush=True)
sys.stdin.read()
stopped.set()
for thread in threads:
    thread.join(60)
print(json.dumps({"counts": counts, "failures": failures, "versions": versions, "seconds": time.monotonic() - started}))
