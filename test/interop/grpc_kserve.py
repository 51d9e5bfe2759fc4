"""Asks the gateway with KServe's stock gRPC client, raw and typed; prints what it found as JSON."""
import asyncio
import json
import sys

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2, grpc_predict_v2_pb2_grpc

address = sys.argv[1]
rows = [1.0, -3.0, 0.25]
values = {
    "x": ("FP64", np.array(rows)),
    "carrier": ("BYTES", np.array([b"AA"] * len(rows), dtype=object)),
    "date": ("BYTES", np.array([b"2001-01-31T07:45:00Z"] * len(rows), dtype=object)),
}


def request(is_raw):
    inputs = []
    for name, (datatype, data) in values.items():
        tensor = InferInput(name=name, shape=[len(rows)], datatype=datatype)
        tensor.set_data_from_numpy(data, binary_data=is_raw)
        inputs.append(tensor)
    return InferRequest(model_name="flights", infer_inputs=inputs, request_id="mine")


def positives(response):
    output = next(each for each in response.outputs if each.name == "probabilities")
    return [float(row[1]) for row in output.as_numpy().reshape(-1, 2)]


async def main():
    client = InferenceGRPCClient(address)
    found = {
        "live": [await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("flights")],
        "raw": positives(await client.infer(request(True))),
        "typed": positives(await client.infer(request(False))),
    }
    response = await client.infer(request(False))
    found["id"] = response.id
    try:
        await client.infer(InferRequest(model_name="nobody", infer_inputs=request(True).inputs))
    except Exception as error:
        found["error"] = str(error)
    with grpc.insecure_channel(address) as channel:
        stub = grpc_predict_v2_pb2_grpc.GRPCInferenceServiceStub(channel)
        metadata = stub.ModelMetadata(grpc_predict_v2_pb2.ModelMetadataRequest(name="flights"))
        found["inputs"] = [[each.name, each.datatype, list(each.shape)] for each in metadata.inputs]
        typed = stub.ModelInfer(request(False).to_grpc())
        found["contents"] = [len(typed.raw_output_contents), len(typed.outputs[0].contents.fp32_contents)]
    print(json.dumps(found))


asyncio.run(main())
