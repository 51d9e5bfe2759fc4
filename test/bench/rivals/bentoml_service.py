"""A BentoML service with ONNX Runtime inside and adaptive batching on. RIVAL_MODEL is an ONNX file."""

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=int(os.environ.get("RIVAL_WORKERS", "2")), logging={"access": {"enabled": False}})
class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()][1:]

    @bentoml.api(batchable=True, max_batch_size=1024, max_latency_ms=1000)
    def infer(self, rows: np.ndarray) -> np.ndarray:
        return self.session.run(self.outputs, {self.session.get_inputs()[0].name: rows.astype(np.float32)})[0]
