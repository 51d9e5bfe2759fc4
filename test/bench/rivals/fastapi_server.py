"""What one would write by hand in Python: FastAPI, ONNX Runtime and orjson. RIVAL_MODEL is an ONNX file; run by uvicorn."""

import os

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"])
outputs = [output.name for output in session.get_outputs()][1:]
app = FastAPI()


@app.get("/health")
def health():
    return {"ready": True}


@app.post("/infer")
async def infer(request: Request):
    tensor = orjson.loads(await request.body())["inputs"][0]
    rows = np.asarray(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
    probabilities = session.run(outputs, {session.get_inputs()[0].name: rows})[0]
    answer = {"outputs": [{"name": "probabilities", "datatype": "FP32", "shape": probabilities.shape, "data": probabilities.ravel()}]}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@app.post("/infer-bytes")
async def infer_bytes(request: Request):
    rows = np.frombuffer(await request.body(), dtype=np.float32).reshape(-1, session.get_inputs()[0].shape[1])
    probabilities = session.run(outputs, {session.get_inputs()[0].name: rows})[0]
    return Response(probabilities.tobytes(), media_type="application/octet-stream")
