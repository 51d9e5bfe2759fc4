"""Trains a scikit-learn pipeline as any MLflow script does: autologging records params, metrics and the model."""

import mlflow
import pandas
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

rows = pandas.read_parquet("inputs/training")
features = rows[["temp_max", "temp_min", "wind"]].astype("float32")
rain = (rows["precipitation"] > 0).astype("int64")

mlflow.sklearn.autolog()
with mlflow.start_run():
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=1000))
    model.fit(features, rain)
    mlflow.log_metric("rainy_share", rain.mean())
