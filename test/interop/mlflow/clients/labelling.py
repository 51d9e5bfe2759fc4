"""Scorers in versions, label schemas, review queues of traces, and issues; records of a dataset that keep every number."""

import math

import mlflow
from mlflow import MlflowClient
from mlflow.genai import label_schemas, review_queues
from mlflow.genai.datasets import create_dataset, get_dataset
from mlflow.genai.scorers import Guidelines, delete_scorer, get_scorer, list_scorers
from mlflow.genai.scorers.registry import list_scorer_versions

experiment = mlflow.set_experiment("labelling").experiment_id

for _ in range(2):
    Guidelines(name="polite", guidelines=["Be polite."]).register(name="polite", experiment_id=experiment)
assert [each.name for each in list_scorers(experiment_id=experiment)] == ["polite"]
assert len(list_scorer_versions(name="polite", experiment_id=experiment)) == 2
assert get_scorer(name="polite", experiment_id=experiment, version=1).guidelines == ["Be polite."]
delete_scorer(name="polite", experiment_id=experiment, version="all")
assert list_scorers(experiment_id=experiment) == []

question = label_schemas.create_label_schema(
    name="correct", type="feedback", input=label_schemas.InputPassFail("Yes", "No"), instruction="Look twice."
)
assert sorted(each.name for each in label_schemas.list_label_schemas()) == ["Feedback", "correct"]


@mlflow.trace
def answer(text):
    return text + "!"


answer("hello")
mlflow.flush_trace_async_logging()
trace = mlflow.get_last_active_trace_id()
queue = review_queues.create_review_queue(name="First Look", queue_type="custom", users=["Ann"], schema_ids=[question.schema_id])
assert queue.users == ["ann"] and queue.schema_ids == [question.schema_id], queue
review_queues.add_items_to_review_queue(queue_id=queue.queue_id, item_ids=[trace])
review_queues.set_review_queue_item_status(queue_id=queue.queue_id, item_id=trace, status="complete", completed_by="Ann")
(item,) = review_queues.list_review_queue_items(queue_id=queue.queue_id)
assert (str(item.status), item.completed_by) == ("complete", "ann"), item
review_queues.delete_review_queue(queue_id=queue.queue_id)

store = MlflowClient()._tracking_client.store
issue = store.create_issue(experiment_id=experiment, name="rude", description="It shouts.", created_by="ann")
assert store.get_issue(issue.issue_id).name == "rude"
assert [each.name for each in store.search_issues(experiment_id=experiment, filter_string="status = 'pending'")] == ["rude"]

dataset = create_dataset(name="numbers", experiment_id=experiment)
dataset.merge_records([{"inputs": {"x": 1.0, "y": 2**70}, "expectations": {"z": math.nan}}])
(record,) = get_dataset(dataset_id=dataset.dataset_id).to_df().to_dict("records")
assert isinstance(record["inputs"]["x"], float) and record["inputs"]["y"] == 2**70, record
assert math.isnan(record["expectations"]["z"]), record
print("ok")
