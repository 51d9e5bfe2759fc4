"""KServe's SDK with the protocol v2 over HTTP."""
import asyncio

from common import carrier, check, check_probabilities, date, np, rows, url, x, yes
import common
import httpx
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

base = f"http://{url}"


def request(binary, outputs=None):
    made = []
    for name, values, datatype in [("x", x, "FP64"), ("carrier", carrier, "BYTES"), ("date", date, "BYTES")]:
        tensor = InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    parameters = {"binary_data_output": True} if binary and outputs is None else None
    return InferRequest("flights", made, request_id="42", request_outputs=outputs, parameters=parameters)


async def main():
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    check(await client.is_server_live(base) and await client.is_server_ready(base), "health")
    check(await client.is_model_ready(base, "flights"), "model ready")
    for binary in [False, True]:
        answer = await client.infer(base, request(binary), model_name="flights")
        # The SDK reads no model_version.
        check(answer.id == "42" and answer.model_name == "flights" and answer.parameters["version"] == "small/1", "answer")
        check_probabilities(answer.outputs[0].as_numpy(), f"probabilities, {binary}")
        labels = [text.decode() if isinstance(text, bytes) else text for text in answer.outputs[1].as_numpy()]
        check(labels == ["yes" if each else "no" for each in yes], f"labels, {binary}")
    one = await client.infer(base, request(False, [RequestedOutput("label")]), model_name="flights")
    check([output.name for output in one.outputs] == ["label"], "requested outputs")
    try:
        await client.infer(base, InferRequest("flights", request(False).inputs[:1]), model_name="flights")
        check(False, "nothing was raised")
    except httpx.HTTPStatusError as error:
        check('"carrier" is missing' in str(error), f"the text of a refusal: {error}")
    await client.close()


asyncio.run(main())
print(common.checks)
