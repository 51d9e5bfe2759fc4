"""The registry by MlflowClient: models, versions, stages, aliases, tags, search, renaming, deleting."""

import warnings

from mlflow import MlflowClient
from refusals import refused

warnings.filterwarnings("ignore")

client = MlflowClient()
experiment = client.create_experiment("registry")
run = client.create_run(experiment)
client.log_text(run.info.run_id, "flavors: {}", "model/MLmodel")

model = client.create_registered_model("shop", tags={"team": "blue"}, description="sells")
assert model.name == "shop" and model.tags == {"team": "blue"} and model.description == "sells" and model.creation_timestamp > 0
refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model("shop"))
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("none"))
refused("INVALID_PARAMETER_VALUE", lambda: client.create_registered_model("a/b"))
source = f"{run.info.artifact_uri}/model"
for number in (1, 2, 3):
    version = client.create_model_version("shop", source, run.info.run_id, tags={"n": number}, description=f"number {number}")
    assert version.version == str(number) or int(version.version) == number
    assert version.status == "READY" and version.current_stage == "None" and version.run_id == run.info.run_id
assert client.get_model_version_download_uri("shop", "2") == source

client.update_registered_model("shop", description="sells more")
client.update_model_version("shop", "1", description="the first")
assert client.get_model_version("shop", "1").description == "the first"
client.set_registered_model_tag("shop", "color", "red")
client.delete_registered_model_tag("shop", "team")
assert client.get_registered_model("shop").tags == {"color": "red"}
client.set_model_version_tag("shop", "1", "ok", "yes")
client.delete_model_version_tag("shop", "1", "n")
assert client.get_model_version("shop", "1").tags == {"ok": "yes"}

client.transition_model_version_stage("shop", "1", "Production")
client.transition_model_version_stage("shop", "2", "production", archive_existing_versions=True)
assert [client.get_model_version("shop", number).current_stage for number in "123"] == ["Archived", "Production", "None"]
assert {(each.current_stage, int(each.version)) for each in client.get_latest_versions("shop")} == {("Archived", 1), ("Production", 2), ("None", 3)}
assert [int(each.version) for each in client.get_latest_versions("shop", ["Production"])] == [2]

client.set_registered_model_alias("shop", "best", "1")
client.set_registered_model_alias("shop", "best", "3")
client.set_registered_model_alias("shop", "old", "1")
assert int(client.get_model_version_by_alias("shop", "best").version) == 3
assert {alias: int(number) for alias, number in client.get_registered_model("shop").aliases.items()} == {"best": 3, "old": 1}
assert client.get_model_version("shop", "3").aliases == ["best"]
client.delete_registered_model_alias("shop", "old")
for alias in ("latest", "v1", "a b"):
    refused("INVALID_PARAMETER_VALUE", lambda alias=alias: client.set_registered_model_alias("shop", alias, "1"))
refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias("shop", "old"))

for name in ("store-a", "store-b", "store-c"):
    client.create_registered_model(name, tags={"kind": "store", "letter": name[-1]})
assert [each.name for each in client.search_registered_models("name LIKE 'store-%'", order_by=["name DESC"])] == ["store-c", "store-b", "store-a"]
assert [each.name for each in client.search_registered_models("tags.kind = 'store' AND tags.letter != 'a'")] == ["store-b", "store-c"]
page = client.search_registered_models("tags.kind = 'store'", max_results=2)
assert len(page) == 2 and len(client.search_registered_models("tags.kind = 'store'", max_results=2, page_token=page.token)) == 1
assert {int(each.version) for each in client.search_model_versions("name = 'shop'")} == {1, 2, 3}
assert [int(each.version) for each in client.search_model_versions(f"run_id = '{run.info.run_id}' AND tags.n = '2'")] == [2]
assert [int(each.version) for each in client.search_model_versions("name = 'shop'", order_by=["version_number ASC"], max_results=1)] == [1]

client.delete_model_version("shop", "3")
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version("shop", "3"))
assert int(client.create_model_version("shop", source, run.info.run_id).version) == 4 or int(client.get_latest_versions("shop", ["None"])[0].version) == 3
client.rename_registered_model("shop", "market")
assert int(client.get_model_version("market", "2").version) == 2
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("shop"))
client.delete_registered_model("market")
refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version("market", "2"))
print("ok")
