"""MlflowClient's methods that no other script calls: prompts and what they are linked to, copies of model versions, logged models, datasets, files."""

import io
import json
import os
import warnings

import matplotlib.figure
import mlflow
import numpy as np
import PIL.Image
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, LoggedModelOutput
from mlflow.prompt.constants import PROMPT_ASSOCIATED_RUN_IDS_TAG_KEY
from refusals import refused

warnings.filterwarnings("ignore")


def linked_prompts(tags):
    return [(each["name"], each["version"]) for each in json.loads(tags["mlflow.linkedPrompts"])]


client = MlflowClient()
experiment, other = [client.create_experiment(name, tags={"a": "1", "b": "2"}) for name in ("rest-of-client", "rest-of-client-other")]
mlflow.set_experiment(experiment_id=experiment)
client.delete_experiment_tag(experiment, "a")
assert client.get_experiment(experiment).tags == {"b": "2"} and client.get_experiment(other).tags == {"a": "1", "b": "2"}
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_experiment_tag(experiment, "a"))
run_id = client.create_run(experiment).info.run_id
run_of_other = client.create_run(other).info.run_id

# Prompts, and their versions apart.
created = client.create_prompt("support", description="answers", tags={"team": "blue"})
assert created.name == "support" and created.description == "answers" and created.tags == {"team": "blue"}
refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_prompt("support"))
client.set_prompt_tag("support", "stage", "draft")
client.set_prompt_tag("support", "stage", "final")
client.delete_prompt_tag("support", "team")
found = client.get_prompt("support")
assert found.tags == {"stage": "final"} and found.description == "answers", found
client.create_registered_model("no-prompt")
assert client.get_prompt("no-prompt") is None
assert client.get_prompt("nothing") is None
config = {"model_name": "m", "temperature": 0.5}
schema = {"type": "object", "properties": {"text": {"type": "string"}}}
one = client.create_prompt_version("support", "Dear {{name}}", description="first", tags={"n": "1", "lang": "en"})
two = client.create_prompt_version("support", [{"role": "user", "content": "Hi {{name}}"}], response_format=schema, model_config=config)
assert (one.version, one.commit_message, one.template, one.variables) == (1, "first", "Dear {{name}}", {"name"})
again = client.get_prompt_version("support", 2)
assert again.response_format == schema and again.model_config == config and again.template == two.template, again
client.set_prompt_version_tag("support", 1, "ok", "yes")
client.delete_prompt_version_tag("support", "1", "n")
assert client.get_prompt_version("support", "1").tags == {"lang": "en", "ok": "yes"}
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_prompt_version("support", 3))
client.set_prompt_alias("support", "live", 1)
client.set_prompt_alias("support", "live", 2)
assert client.get_prompt_version_by_alias("support", "live").version == 2 and client.get_prompt_version("support", 2).aliases == ["live"]
assert client.parse_prompt_uri("prompts:/support@live") == ("support", "2")
assert client.load_prompt("prompts:/support@live", cache_ttl_seconds=0).format(name="Ann") == [{"role": "user", "content": "Hi Ann"}]
assert client.load_prompt("support", version=1, cache_ttl_seconds=0).tags["ok"] == "yes"
assert client.load_prompt("prompts:/support@latest", cache_ttl_seconds=0).version == 2
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.set_prompt_alias("support", "live", 9))
client.delete_prompt_alias("support", "live")
assert client.load_prompt("prompts:/support@live", allow_missing=True, cache_ttl_seconds=0) is None
assert client.register_prompt("sales", "Buy {{thing}}", tags={"kind": "ad"}).version == 1
assert client.register_prompt("sales", "Buy {{thing}} now", commit_message="louder", tags={"kind": "offer"}).version == 2
assert client.get_prompt("sales").tags["kind"] == "offer" and client.get_prompt_version("sales", 1).tags == {"kind": "ad"}
assert [each.name for each in client.search_prompts("name IN ('sales', 'support')", order_by=["name DESC"])] == ["support", "sales"]
assert [each.name for each in client.search_prompts("tags.stage = 'final'")] == ["support"]
assert [each.name for each in client.search_prompts(f"experiment_id = '{experiment}' AND name LIKE 'sa%'")] == ["sales"]
assert client.search_prompts(f"experiment_id = '{other}'") == []
page = client.search_prompts("name LIKE 's%'", max_results=1, order_by=["name ASC"])
assert [each.name for each in page] == ["sales"]
assert [each.name for each in client.search_prompts("name LIKE 's%'", max_results=1, order_by=["name ASC"], page_token=page.token)] == ["support"]

# What a run, a trace and a model were made with.
client.link_prompt_version_to_run(run_id, "prompts:/support/1")
client.link_prompt_version_to_run(run_id, client.get_prompt_version("sales", 2))
client.link_prompt_version_to_run(run_id, "prompts:/support/1")
assert linked_prompts(client.get_run(run_id).data.tags) == [("support", "1"), ("sales", "2")]
# Older clients linked them the other way round.
for number, runs in ((1, f"{run_of_other},{run_id}"), (2, run_id)):
    client.set_prompt_version_tag("support", number, PROMPT_ASSOCIATED_RUN_IDS_TAG_KEY, runs)
assert sorted(each.uri for each in client.list_logged_prompts(run_id)) == ["prompts:/support/1", "prompts:/support/2"]
client.detach_prompt_from_run(run_id, "prompts:/support/1")
client.detach_prompt_from_run(run_id, "prompts:/support/2")
assert client.list_logged_prompts(run_id) == [] and [each.version for each in client.list_logged_prompts(run_of_other)] == [1]
trace_ids = []
for number in range(3):
    span = client.start_trace(f"trace-{number}", experiment_id=experiment)
    client.end_trace(span.trace_id)
    trace_ids.append(span.trace_id)
mlflow.flush_trace_async_logging()
client.link_prompt_versions_to_trace([client.get_prompt_version("support", 2), client.get_prompt_version("sales", 1)], trace_ids[0])
assert linked_prompts(client.get_trace(trace_ids[0]).info.tags) == [("support", "2"), ("sales", "1")]


def traces(**options):
    return sorted(each.info.trace_id for each in client.search_traces(locations=[experiment], **options))


assert traces(filter_string="prompt = 'support/2'") == [trace_ids[0]] and traces(filter_string="prompt = 'support/1'") == []
# The client of a server cannot unlink them: unlink_traces_from_run raises NotImplementedError.
client.link_traces_to_run(trace_ids[:2], run_id)
assert traces(run_id=run_id) == sorted(trace_ids[:2]) and traces() == sorted(trace_ids)
client.link_traces_to_run(trace_ids[1:], run_id)
assert traces(run_id=run_id) == sorted(trace_ids)
refused("INVALID_PARAMETER_VALUE", lambda: client.link_traces_to_run(["tr-0"] * 101, run_id))

# Logged models, their files, and their copies in the registry.
model = client.create_logged_model(experiment, name="net", source_run_id=run_id, tags={"t": "1"}, params={"p": "1"}, model_type="agent")
client.log_model_params(model.model_id, {"depth": 3, "width": "wide"})
refused("BAD_REQUEST", lambda: client.log_model_params(model.model_id, {"more": 1, "p": "1"}))
client.link_prompt_version_to_model("support", "2", model.model_id)
os.makedirs("files/sub")
for path, text in {"MLmodel": "flavors: {}", "sub/a b.txt": "in a folder"}.items():
    with open(f"files/{path}", "w") as file:
        file.write(text)
client.log_model_artifact(model.model_id, "files/MLmodel")
client.log_model_artifacts(model.model_id, "files", "copy")
ready = client.finalize_logged_model(model.model_id, "READY")
assert str(ready.status) in ("READY", "LoggedModelStatus.READY") and ready.model_type == "agent" and ready.source_run_id == run_id
logged = client.get_logged_model(model.model_id)
assert logged.params == {"p": "1", "depth": "3", "width": "wide"} and linked_prompts(logged.tags) == [("support", "2")], logged
assert [file.path for file in client.list_logged_model_artifacts(model.model_id)] == ["MLmodel", "copy"]
below = [(file.path, file.is_dir, file.file_size) for file in client.list_logged_model_artifacts(model.model_id, "copy")]
assert below == [("copy/MLmodel", False, 11), ("copy/sub", True, None)], below
assert [file.path for file in client.list_logged_model_artifacts(model.model_id, "copy/sub")] == ["copy/sub/a b.txt"]
client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=4)])
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.log_outputs("0" * 32, [LoggedModelOutput(model.model_id, step=4)]))
client.log_inputs(run_of_other, models=[LoggedModelInput(model.model_id)])
assert [(each.model_id, each.step) for each in client.get_run(run_id).outputs.model_outputs] == [(model.model_id, 4)]
assert [each.model_id for each in client.get_run(run_of_other).inputs.model_inputs] == [model.model_id]

client.create_registered_model("here")
client.create_model_version("here", f"models:/{model.model_id}", run_id, tags={"k": "v"}, description="to copy", model_id=model.model_id)
client.set_registered_model_alias("here", "good", "1")
for number, uri in ((1, "models:/here/1"), (2, "models:/here@good"), (3, "models:/here/latest")):
    copy = client.copy_model_version(uri, "there")
    assert (copy.name, int(copy.version), copy.description, copy.tags) == ("there", number, "to copy", {"k": "v"}), copy
    assert copy.source == "models:/here/1" and copy.run_id == run_id, copy
assert client.get_model_version_download_uri("there", "1") == client.get_model_version_download_uri("here", "1") == logged.artifact_location
assert client.copy_model_version("models:/there/1", "third").source == "models:/there/1"
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.copy_model_version("models:/support/1", "there"))
with open(os.path.join(mlflow.artifacts.download_artifacts("models:/third/1"), "copy", "sub", "a b.txt")) as file:
    assert file.read() == "in a folder"

# Datasets and the experiments that they are of.
dataset = client.create_dataset("cases", experiment_id=[experiment], tags={"team": "blue"})
client.create_dataset("more cases", experiment_id=experiment)
dataset_id = dataset.dataset_id
assert sorted(client.add_dataset_to_experiments(dataset_id, [experiment, other]).experiment_ids) == sorted([experiment, other])
assert [each.name for each in client.search_datasets([other])] == ["cases"]
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.add_dataset_to_experiments(dataset_id, ["999999"]))
assert client.remove_dataset_from_experiments(dataset_id, [experiment]).experiment_ids == [other]
assert client.remove_dataset_from_experiments(dataset_id, [experiment]).experiment_ids == [other]
assert [each.name for each in client.search_datasets([experiment])] == ["more cases"]
client.set_dataset_tags(dataset_id, {"stage": "gold"})
client.delete_dataset_tag(dataset_id, "team")
tags = client.get_dataset(dataset_id).tags
assert tags["stage"] == "gold" and "team" not in tags, tags
page = client.search_datasets([experiment, other], filter_string="name LIKE '%cases'", max_results=1, order_by=["name ASC"])
assert [each.name for each in page] == ["cases"]
page = client.search_datasets([experiment, other], filter_string="name LIKE '%cases'", max_results=1, order_by=["name ASC"], page_token=page.token)
assert [each.name for each in page] == ["more cases"] and not page.token, repr(page.token)
client.delete_dataset(dataset_id)
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_dataset(dataset_id))

# Files made from what is in memory.
pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
client.log_image(run_id, pixels, "static/pixels.png")
client.log_image(run_id, PIL.Image.fromarray(pixels), key="loss/map", step=2, timestamp=1234)
client.log_image(run_id, mlflow.Image(pixels), key="loss/map", step=3)
client.log_image(run_id, pixels, key="later", synchronous=False)
with mlflow.start_run(run_id=run_id):  # What is flushed is the active run's.
    mlflow.flush_artifact_async_logging()
mlflow.flush_async_logging()
figure = matplotlib.figure.Figure()
figure.subplots().plot([1, 2])
client.log_figure(run_id, figure, "plots/line.png")
client.log_figure(run_id, figure, "plots/line.svg", save_kwargs={"dpi": 20})
client.log_stream(run_id, io.BytesIO(b"\0\1" * 10_000), "streams/raw.bin")
client.log_table(run_id, {"q": ["x"], "n": [1]}, "tables/t.json")
client.log_table(run_id, {"q": ["y"], "n": [2]}, "tables/t.json")
second = client.create_run(experiment, run_name="second").info.run_id
client.log_table(second, {"q": ["z"], "n": [3]}, "tables/t.json")
assert np.array_equal(np.asarray(PIL.Image.open(client.download_artifacts(run_id, "static/pixels.png"))), pixels)
images = sorted(file.path for file in client.list_artifacts(run_id, "images"))
assert len(images) == 6 and sum(path.startswith("images/loss~map+step+") for path in images) == 4, images
at_two = next(path for path in images if path.startswith("images/loss~map+step+2+timestamp+1234+") and path.endswith(".png"))
assert np.array_equal(np.asarray(PIL.Image.open(client.download_artifacts(run_id, at_two))), pixels)
assert client.get_run(run_id).data.tags["mlflow.loggedImages"] == "True"
assert sorted(file.path for file in client.list_artifacts(run_id, "plots")) == ["plots/line.png", "plots/line.svg"]
assert PIL.Image.open(client.download_artifacts(run_id, "plots/line.png")).size == (640, 480)
with open(client.download_artifacts(run_id, "streams/raw.bin"), "rb") as file:
    assert file.read() == b"\0\1" * 10_000
table = client.load_table(experiment, "tables/t.json", extra_columns=["run_id"])
assert sorted(zip(table["q"], table["n"], table["run_id"])) == [("x", 1, run_id), ("y", 2, run_id), ("z", 3, second)], table
assert list(client.load_table(experiment, "tables/t.json", run_ids=[second])["q"]) == ["z"]
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.load_table(other, "tables/t.json"))
print("ok")
