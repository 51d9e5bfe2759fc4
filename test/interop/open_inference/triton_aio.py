"""tritonclient over HTTP with asyncio: many requests at once on few connections."""
import asyncio

from common import carrier, check, check_probabilities, date, rows, url, x
import common
import tritonclient.http as http
import tritonclient.http.aio as aio


def inputs(binary):
    made = []
    for name, values, datatype in [("x", x, "FP64"), ("carrier", carrier, "BYTES"), ("date", date, "BYTES")]:
        tensor = aio.InferInput(name, [rows, 1], datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    return made


async def main():
    async with aio.InferenceServerClient(url) as client:
        check(await client.is_server_ready() and await client.is_model_ready("flights"), "ready")
        asked = [
            client.infer("flights", inputs(at % 2 == 0), request_compression_algorithm=[None, "gzip", "deflate"][at % 3])
            for at in range(200)
        ]
        for result in await asyncio.gather(*asked):
            check_probabilities(result.as_numpy("probabilities"), "at once")
        try:
            await client.infer("nobody", inputs(True))
            check(False, "nothing was raised")
        except http.InferenceServerException as error:
            check("unknown model" in str(error), "unknown model")


asyncio.run(main())
print(common.checks)
