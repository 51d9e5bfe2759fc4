# scikit-learn and onnx beside the built-in trainers. Commands: `folds DIR`, `flights DIR ITERATIONS`, `check DIR`; each prints one JSON object.
# Arrays travel as raw little-endian files, so that only numpy, scikit-learn and onnx are needed.
import json
import pathlib
import sys
import time

import numpy as np


def classifier(iterations=100, **options):
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(early_stopping=False, max_iter=iterations, **options)


def regressor():
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(early_stopping=False)


def bundled_sets():
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

    return {
        "breast_cancer": ("binary", load_breast_cancer(return_X_y=True)),
        "wine": ("multiclass", load_wine(return_X_y=True)),
        "diabetes": ("regression", load_diabetes(return_X_y=True, scaled=False)),
    }


def fold_losses(objective, x, y, folds):
    """Held-out loss of each fold for boosting and for the linear model: log loss, or mean squared error."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import log_loss, mean_squared_error
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    losses = {"gradient_boosting": [], "linear": []}
    linear_answers = []
    for train, test in folds:
        if objective == "regression":
            models = [regressor(), make_pipeline(StandardScaler(), LinearRegression())]
            answers = [model.fit(x[train], y[train]).predict(x[test]) for model in models]
            scored = [mean_squared_error(y[test], answer) for answer in answers]
        else:
            models = [classifier(), make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=10_000))]
            answers = [model.fit(x[train], y[train]).predict_proba(x[test]) for model in models]
            scored = [log_loss(y[test], answer) for answer in answers]
        losses["gradient_boosting"].append(scored[0])
        losses["linear"].append(scored[1])
        linear_answers.append(np.asarray(answers[1]).ravel().tolist())
    return losses, linear_answers


def folds(directory):
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    sets = {}
    for name, (objective, (x, y)) in bundled_sets().items():
        splitter = RepeatedKFold if objective == "regression" else RepeatedStratifiedKFold
        parts = list(splitter(n_splits=5, n_repeats=5, random_state=0).split(x, y))
        losses, answers = fold_losses(objective, x, y, parts)
        sets[name] = {
            "objective": objective,
            "x": x.tolist(),
            "y": y.tolist(),
            "folds": [{"train": train.tolist(), "test": test.tolist()} for train, test in parts],
            "losses": losses,
            "linearAnswers": answers,
        }
    (directory / "folds.json").write_text(json.dumps(sets))
    return {"sets": list(sets)}


def flights_table(directory, name):
    read = lambda column, kind: np.fromfile(directory / f"{name}.{column}", dtype=kind)
    micros = read("date", "<i8")
    day = micros // 86_400_000_000
    columns = [
        (micros % 86_400_000_000) // 60_000_000,
        (day + 3) % 7,
        read("distance", "<f8"),
        read("origin", "<i4"),
        read("destination", "<i4"),
    ]
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns]), read("target", "<f8")


def flights(directory, iterations):
    from sklearn.metrics import log_loss, roc_auc_score

    x, y = flights_table(directory, "train")
    options = {"categorical_features": [3, 4]}
    # The first fit loads the compiled code and starts the threads.
    classifier(iterations=2, **options).fit(x[:20_000], y[:20_000])
    wall, cpu = time.perf_counter(), time.process_time()
    model = classifier(iterations=iterations, **options).fit(x, y)
    answer = {"wallMs": 1e3 * (time.perf_counter() - wall), "cpuMs": 1e3 * (time.process_time() - cpu)}
    if not (directory / "test.target").exists():
        return answer
    x, y = flights_table(directory, "test")
    predictions = {"sklearn": model.predict_proba(x)[:, 1], "ours": np.fromfile(directory / "test.predicted", dtype="<f8")}
    for name, p in predictions.items():
        answer[name] = {"auc": roc_auc_score(y, p), "logLoss": log_loss(y, p)}
    return answer


def check(directory):
    import onnx

    files = sorted(directory.glob("*.onnx"))
    for file in files:
        onnx.checker.check_model(onnx.load(file), full_check=True)
    return {"checked": [file.name for file in files]}


command, directory, *rest = sys.argv[1:]
answer = {"folds": folds, "flights": flights, "check": check}[command](pathlib.Path(directory), *map(int, rest))
print(json.dumps(answer))
