"""Files of a given number of megabytes: up, listed, down again, byte for byte. Arguments: size, and `multipart` where parts are wanted; it then says what went in parts."""

import hashlib
import os
import random
import sys
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

megabytes = int(sys.argv[1])
if "multipart" in sys.argv:
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(10 * 1024 * 1024)
    os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(10 * 1024 * 1024)
    os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(10 * 1024 * 1024)
    # The client falls back to one stream without a word.
    for name in ["_try_multipart_upload", "_multipart_download"]:

        def telling(self, *args, name=name, whole=getattr(HttpArtifactRepository, name), **kwargs):
            whole(self, *args, **kwargs)
            print("done:", name)

        setattr(HttpArtifactRepository, name, telling)
client = MlflowClient()
mlflow.set_experiment("artifacts")
block = random.Random(7).randbytes(1024 * 1024)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
    path = os.path.join(folder, "big.bin")
    with open(path, "wb") as file:
        for index in range(megabytes):
            file.write(index.to_bytes(4, "big"))
            file.write(block[4:])
    before = digest(path)
    mlflow.log_artifact(path, "large")
    listed = client.list_artifacts(run.info.run_id, "large")
    assert [(each.path, each.file_size) for each in listed] == [("large/big.bin", megabytes * 1024 * 1024)], listed
    os.remove(path)
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="large/big.bin", dst_path=folder)
    assert digest(back) == before
print("ok")
