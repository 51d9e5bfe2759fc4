"""Prompts: registered, versioned, loaded by number and alias, searched, linked to a run's trace, deleted."""

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
first = mlflow.genai.register_prompt("greeting", "Hello {{name}}", commit_message="first", tags={"lang": "en"})
assert first.version == 1 and first.variables == {"name"}
second = mlflow.genai.register_prompt("greeting", [{"role": "user", "content": "Hi {{name}}"}], commit_message="chat")
assert second.version == 2
assert mlflow.genai.load_prompt("greeting", version=1).format(name="Ann") == "Hello Ann"
assert mlflow.genai.load_prompt("prompts:/greeting/2").format(name="Ann") == [{"role": "user", "content": "Hi Ann"}]
mlflow.genai.set_prompt_alias("greeting", "live", 1)
assert mlflow.genai.load_prompt("prompts:/greeting@live").version == 1
mlflow.genai.set_prompt_version_tag("greeting", 1, "ok", "yes")
assert mlflow.genai.load_prompt("greeting", version=1).tags["ok"] == "yes"
mlflow.genai.register_prompt("farewell", "Bye")
assert sorted(prompt.name for prompt in mlflow.genai.search_prompts()) == ["farewell", "greeting"]
assert [prompt.name for prompt in mlflow.genai.search_prompts("name LIKE 'gree%'")] == ["greeting"]
assert "greeting" not in {model.name for model in client.search_registered_models()}
try:
    client.create_registered_model("greeting")
    raise AssertionError("a model took the name of a prompt")
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "RESOURCE_ALREADY_EXISTS", error
assert len(client.search_prompt_versions("greeting")) == 2
mlflow.genai.delete_prompt_alias("greeting", "live")
client.delete_prompt_version("greeting", "1")
assert mlflow.genai.load_prompt("greeting", version=1, allow_missing=True) is None
client.delete_prompt_version("greeting", "2")
client.delete_prompt("greeting")
assert [prompt.name for prompt in mlflow.genai.search_prompts()] == ["farewell"]
print("ok")
