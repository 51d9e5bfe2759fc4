"""tritonclient over HTTP: what its examples and users call, with JSON and raw tensors, packed and plain."""
from common import carrier, check, check_probabilities, date, np, positive, raises, rows, url, x, yes
import common
import tritonclient.http as http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

client = http.InferenceServerClient(url, concurrency=4)


def inputs(binary=True, count=rows):
    made = []
    for name, values, datatype in [("x", x, "FP64"), ("carrier", carrier, "BYTES"), ("date", date, "BYTES")]:
        tensor = http.InferInput(name, [count, 1], datatype)
        tensor.set_data_from_numpy(values[:count], binary_data=binary)
        made.append(tensor)
    return made


def outputs(binary=True):
    return [http.InferRequestedOutput(name, binary_data=binary) for name in ["probabilities", "label"]]


# Health and metadata
check(client.is_server_live() and client.is_server_ready(), "health")
check(client.is_server_live(query_params={"test_1": 1}), "queries are ignored")
check(client.is_model_ready("flights") and client.is_model_ready("flights", "1"), "model ready")
check(not client.is_model_ready("flights", "9") and not client.is_model_ready("nobody"), "model not ready")
server = client.get_server_metadata()
check(server["name"] == "trueloop" and "binary_tensor_data" in server["extensions"], "server metadata")
metadata = client.get_model_metadata("flights")
check([tensor["name"] for tensor in metadata["inputs"]] == ["x", "carrier", "date"], "inputs")
check(metadata["outputs"][1] == {"name": "label", "datatype": "BYTES", "shape": [-1]}, "label")
check(client.get_model_config("flights")["input"][0]["data_type"] == "TYPE_FP64", "config")
index = client.get_model_repository_index()
check({entry["name"] for entry in index} == {"flights", "price", "ids", "numbered", "flagged"}, "index")
check(all(entry["state"] == "READY" for entry in index), "states")

# Inference: every way of sending, every way of answering
for sent in [True, False]:
    for wanted in [None, True, False]:
        for packed in [None, "gzip", "deflate"]:
            what = f"sent as bytes {sent}, wanted as bytes {wanted}, {packed}"
            result = client.infer(
                "flights",
                inputs(sent),
                outputs=None if wanted is None else outputs(wanted),
                request_id="Ä-1",
                request_compression_algorithm=packed,
                response_compression_algorithm=packed,
            )
            check_probabilities(result.as_numpy("probabilities"), what)
            labels = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("label")]
            check(labels == ["yes" if each else "no" for each in yes], what)
            answer = result.get_response()
            check(answer["id"] == "Ä-1" and answer["model_name"] == "flights", what)
            check(answer["model_version"] == "1" and answer["parameters"]["version"] == "small/1", what)

one = client.infer("flights", inputs(), outputs=[http.InferRequestedOutput("label")])
check(one.as_numpy("probabilities") is None and one.as_numpy("label").shape == (rows,), "one output")
classes = client.infer("flights", inputs(), outputs=[http.InferRequestedOutput("probabilities", class_count=2)])
first = classes.as_numpy("probabilities")[0][0].decode().split(":")
check(first[1:] == ["1", "yes"] and abs(float(first[0]) - positive[0]) < 1e-5, "classification")
check(client.infer("flights", inputs(), model_version="1", priority=1, timeout=5_000_000) is not None, "schedule")
handle = client.async_infer("flights", inputs(), outputs=outputs())
check_probabilities(handle.get_result().as_numpy("probabilities"), "async_infer")

# Zero rows
empty = http.InferInput("x", [0, 1], "FP64")
empty.set_data_from_numpy(np.zeros((0, 1)))
check(client.infer("price", [empty]).as_numpy("prediction").shape == (0, 1), "zero rows")

# A large answer, packed
many = http.InferInput("x", [9000, 1], "FP32")
values = np.linspace(-5, 5, 9000, dtype=np.float32).reshape(-1, 1)
many.set_data_from_numpy(values)
for packed in [None, "gzip", "deflate"]:
    found = client.infer("price", [many], response_compression_algorithm=packed).as_numpy("prediction")
    check(np.allclose(found, 2 * values + 1, atol=1e-5), f"9,000 rows, {packed}")

# Datatypes
for kind in [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16, np.float32, np.float64]:
    numbers = np.array([[1], [0], [100]], dtype=kind)
    for binary in [True] if kind == np.float16 else [True, False]:
        tensor = http.InferInput("x", [3, 1], np_to_triton_dtype(kind))
        tensor.set_data_from_numpy(numbers, binary_data=binary)
        found = client.infer("price", [tensor]).as_numpy("prediction")
        check(np.allclose(found, [[3], [1], [201]]), f"{kind} {binary}")
big = np.array([[2**53 + 1], [2**53 - 3], [2**53]], dtype=np.int64)
for binary in [True, False]:
    tensor = http.InferInput("id", [3, 1], "INT64")
    tensor.set_data_from_numpy(big, binary_data=binary)
    found = client.infer("ids", [tensor]).as_numpy("prediction")
    check(found[:, 0].tolist() == [1, -3, 0], f"whole numbers beyond 2^53, {binary}")
for endpoint, expected in [("numbered", yes.astype(np.int64)), ("flagged", yes)]:
    for binary in [True, False]:
        label = client.infer(endpoint, inputs(), outputs=outputs(binary)).as_numpy("label")
        check(label.dtype == expected.dtype and (label == expected).all(), f"labels of {endpoint}, {binary}")

# Missing numbers
missing = http.InferInput("x", [1, 1], "FP32")
missing.set_data_from_numpy(np.array([[np.nan]], dtype=np.float32))
raises(lambda: client.infer("price", [missing]), InferenceServerException, "the model failed", "NaN has no answer")

# Refusals
raises(lambda: client.infer("nobody", inputs()), InferenceServerException, "Request for unknown model", "unknown model")
raises(lambda: client.infer("flights", inputs()[:1]), InferenceServerException, '"carrier" is missing', "missing input")
raises(
    lambda: client.infer("flights", inputs(), outputs=[http.InferRequestedOutput("nothing")]),
    InferenceServerException,
    'no output "nothing"',
    "unknown output",
)
wrong = http.InferInput("x", [1, 1], "BYTES")
wrong.set_data_from_numpy(np.array([["a"]], dtype=np.object_))
raises(lambda: client.infer("price", [wrong]), InferenceServerException, 'column "x"', "wrong datatype")
raises(client.get_system_shared_memory_status, InferenceServerException, "no shared memory", "shared memory")
raises(client.get_log_settings, InferenceServerException, "no log settings", "log settings")
raises(client.get_trace_settings, InferenceServerException, "no trace settings", "trace settings")

# Statistics
before = client.get_inference_statistics("price")["model_stats"][0]
client.infer("price", [many])
after = client.get_inference_statistics("price", "1")["model_stats"][0]
check(after["inference_count"] - before["inference_count"] == 9000, "rows are counted")
check(after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"] == 1, "requests are counted")
check(after["inference_stats"]["fail"]["count"] >= 1, "failures are counted")
check(len(client.get_inference_statistics()["model_stats"]) == 5, "statistics of all")

# Model control, as the stock example walks through it
client.unload_model("price")
check(not client.is_model_ready("price"), "unloaded")
raises(lambda: client.infer("price", [many]), InferenceServerException, "was unloaded", "an unloaded model")
client.load_model("price")
check(client.is_model_ready("price"), "loaded")
raises(lambda: client.load_model("wrong_model_name"), InferenceServerException, "failed to load", "a load of nothing")
raises(lambda: client.load_model("price", config='{"max_batch_size": 16}'), InferenceServerException, "failed to load", "a configuration")

# The body by itself, as for other transports
body, length = http.InferenceServerClient.generate_request_body(inputs(), outputs=outputs(False))
check(length is not None and len(body) > length, "a body by itself")

client.close()
print(common.checks)
