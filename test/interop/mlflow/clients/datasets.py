"""Evaluation datasets: created, filled, merged, read back, tagged, found, deleted."""

import mlflow
from mlflow.genai.datasets import create_dataset, delete_dataset, delete_dataset_tag, get_dataset, search_datasets, set_dataset_tags

experiment = mlflow.set_experiment("datasets")
dataset = create_dataset(name="questions", experiment_id=[experiment.experiment_id], tags={"team": "blue"})
assert dataset.dataset_id.startswith("d-") and dataset.tags["team"] == "blue"
dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"x": 1}}, {"inputs": {"q": "b"}}])
dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"y": 2}, "tags": {"t": "1"}}])
again = get_dataset(dataset_id=dataset.dataset_id)
frame = again.to_df()
assert len(frame) == 2, frame
row = next(row for _, row in frame.iterrows() if row["inputs"] == {"q": "a"})
assert row["expectations"] == {"x": 1, "y": 2} and row["tags"]["t"] == "1", row
assert again.digest and again.experiment_ids == [experiment.experiment_id]
set_dataset_tags(dataset_id=dataset.dataset_id, tags={"stage": "gold"})
delete_dataset_tag(dataset_id=dataset.dataset_id, key="team")
assert get_dataset(dataset_id=dataset.dataset_id).tags.get("stage") == "gold" and "team" not in get_dataset(dataset_id=dataset.dataset_id).tags
assert [each.name for each in search_datasets(experiment_ids=[experiment.experiment_id], filter_string="name LIKE 'quest%'")] == ["questions"]
assert [each.name for each in search_datasets(filter_string="tags.stage = 'gold'")] == ["questions"]
delete_dataset(dataset_id=dataset.dataset_id)
assert list(search_datasets(experiment_ids=[experiment.experiment_id])) == []
print("ok")
