# Trains models with the libraries that people use, converts them with each converter's default settings, and says what the library itself
# answers: models_reference.py FOLDER writes NAME.onnx files and cases.json.
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings('ignore')
folder = Path(sys.argv[1])
random = np.random.default_rng(7)
cases = []
names = ['amount', 'age', 'balance', 'score']


def plain(value):
    """As JSON has it: a missing number is null, a whole number beyond 2^53 is text that says so."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) < 2**53 else {'int64': str(int(value))}
    return None if value is None or np.isnan(value) else float(value)


def case(name, onnx, *, inputs, classes, rows, expected, task=None, told=True):
    (folder / f'{name}.onnx').write_bytes(onnx if isinstance(onnx, bytes) else onnx.SerializeToString())
    task = task or ('binary' if len(classes) == 2 else 'multiclass')
    expected = np.asarray(expected, dtype=np.float64).reshape(len(rows), -1)
    cases.append(
        {
            'name': name,
            # Whether the one who registers it says what the model is, or nothing.
            'isTold': told,
            'task': task,
            'inputs': [{'name': column, 'type': kind} for column, kind in inputs.items()],
            'classes': [str(label) for label in classes],
            'rows': [{column: plain(value) for column, value in row.items()} for row in rows],
            'expected': expected.tolist(),
        }
    )


def numbers(rows, missing=0.0):
    table = random.normal(size=(rows, len(names))).astype(np.float32)
    if missing:
        table[random.random(table.shape) < missing] = np.nan
    return table


def scores(table):
    clean = np.nan_to_num(table.astype(np.float64))
    return clean[:, 0] - 0.7 * clean[:, 1] + clean[:, 2] * clean[:, 3]


def records(table, columns=names):
    return [dict(zip(columns, row)) for row in table.tolist()]


train, probe = numbers(600), numbers(40)
gappy, gappy_probe = numbers(600, 0.15), numbers(40, 0.15)
flag = (scores(train) > 0).astype(np.int64)
gappy_flag = (scores(gappy) > 0).astype(np.int64)
kinds = np.array(['low', 'middle', 'top'])[np.digitize(scores(train), [-0.5, 0.5])]
codes = np.digitize(scores(gappy), [-0.5, 0.5])
floats = dict.fromkeys(names, 'float')
doubles = dict.fromkeys(names, 'double')


def scikit_learn():
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    matrix = [('X', FloatTensorType([None, len(names)]))]

    # A pipeline over named columns of three kinds: numbers with gaps, text with gaps, whole numbers.
    frame = pd.DataFrame(gappy, columns=names)
    frame['country'] = random.choice(['DE', 'FR', 'Zürich', ''], len(frame))
    frame['visits'] = random.integers(0, 50, len(frame))
    label = ((scores(gappy) + (frame['country'] == 'DE') + frame['visits'] / 50) > 0.7).to_numpy()
    kinds_of_columns = ColumnTransformer(
        [
            ('numbers', make_pipeline(SimpleImputer(), StandardScaler()), names),
            ('texts', OneHotEncoder(handle_unknown='ignore'), ['country']),
            ('counts', StandardScaler(), ['visits']),
        ]
    )
    model = make_pipeline(kinds_of_columns, LogisticRegression()).fit(frame, label)
    ask = frame.head(40).copy()
    ask.loc[0, 'country'] = 'never seen'
    initial = [(name, FloatTensorType([None, 1])) for name in names]
    initial += [('country', StringTensorType([None, 1])), ('visits', Int64TensorType([None, 1]))]
    case(
        'sklearn-columns',
        to_onnx(model, initial_types=initial),
        inputs={**floats, 'country': 'string', 'visits': 'long'},
        classes=['false', 'true'],
        rows=[{**row, 'country': row['country'] or None} for row in ask.to_dict('records')],
        expected=model.predict_proba(ask),
    )

    # Whole numbers that a float64 cannot tell apart.
    ids = 2**53 + np.arange(8)
    drawn = random.choice(ids, 400)
    odd = (drawn % 2).astype(np.int64)
    model = make_pipeline(OneHotEncoder(handle_unknown='ignore'), LogisticRegression()).fit(drawn.reshape(-1, 1), odd)
    case(
        'sklearn-int64',
        to_onnx(model, initial_types=[('id', Int64TensorType([None, 1]))]),
        inputs={'id': 'long'},
        classes=[0, 1],
        rows=[{'id': value} for value in ids],
        expected=model.predict_proba(ids.reshape(-1, 1)),
    )

    model = RandomForestClassifier(30, max_depth=6, random_state=1).fit(train, kinds)
    case(
        'sklearn-forest',
        to_onnx(model, initial_types=matrix),
        inputs=floats,
        classes=model.classes_,
        rows=records(probe),
        expected=model.predict_proba(probe),
    )
    model = HistGradientBoostingClassifier(max_iter=30).fit(gappy, gappy_flag)
    case(
        'sklearn-histogram',
        to_onnx(model, initial_types=matrix),
        inputs=floats,
        classes=[0, 1],
        rows=records(gappy_probe),
        expected=model.predict_proba(gappy_probe),
    )
    double = train.astype(np.float64) * 1e3
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(double, kinds)
    asked = probe.astype(np.float64) * 1e3
    case(
        'sklearn-double',
        to_onnx(model, initial_types=[('X', DoubleTensorType([None, len(names)]))]),
        inputs=doubles,
        classes=model.classes_,
        rows=records(asked),
        expected=model.predict_proba(asked),
    )
    for name, regressor, kind in [
        ('sklearn-boosting-value', GradientBoostingRegressor(n_estimators=30), FloatTensorType),
        ('sklearn-histogram-value', HistGradientBoostingRegressor(max_iter=30), FloatTensorType),
        ('sklearn-ridge-double-value', Ridge(), DoubleTensorType),
    ]:
        table = train if kind is FloatTensorType else train.astype(np.float64)
        asked = probe if kind is FloatTensorType else probe.astype(np.float64)
        model = regressor.fit(table, scores(train))
        case(
            name,
            to_onnx(model, initial_types=[('X', kind([None, len(names)]))]),
            inputs=floats if kind is FloatTensorType else doubles,
            classes=[],
            task='regression',
            rows=records(asked),
            expected=model.predict(asked),
        )


def scikit_learn_alone():
    """Graphs that hold all that is to be known of them, and are registered without a word."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.ensemble import IsolationForest
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = [f'X_{index}' for index in range(len(names))]
    matrix = [('X', FloatTensorType([None, len(names)]))]

    def numeric(name, model, labels, options=None):
        model.fit(train, labels)
        is_value = not hasattr(model, 'predict_proba')
        outlier = hasattr(model, 'decision_function') and is_value
        answer = model.decision_function if outlier else model.predict if is_value else model.predict_proba
        case(
            name,
            to_onnx(model, initial_types=matrix, options=options, target_opset={'': 21, 'ai.onnx.ml': 3}),
            inputs=dict.fromkeys(columns, 'float'),
            classes=[] if is_value else model.classes_,
            task='regression' if is_value else None,
            rows=records(probe, columns),
            expected=answer(probe),
            told=False,
        )

    tensor = {'zipmap': False}
    perceptron = MLPClassifier((8,), max_iter=300, random_state=1)
    numeric('sklearn-perceptron-texts', perceptron, kinds, tensor)
    numeric('sklearn-bayes-texts', GaussianNB(), np.where(flag, 'yes', 'no'), tensor)
    numeric('sklearn-bayes-codes', GaussianNB(), flag * 4 + 3, tensor)
    numeric('sklearn-neighbours', make_pipeline(StandardScaler(), KNeighborsClassifier()), kinds)
    numeric('sklearn-neighbours-cdist', KNeighborsClassifier(), flag, {'optim': 'cdist', 'zipmap': False})
    numeric('sklearn-neighbours-value', KNeighborsRegressor(weights='uniform'), scores(train))
    numeric('sklearn-process-value', GaussianProcessRegressor(alpha=1.0), scores(train).astype(np.float32))
    numeric('sklearn-outliers', IsolationForest(n_estimators=20, random_state=1), flag)

    words = np.array(['good', 'great', 'plot', 'actor', 'bad', 'dull', 'film', 'long'])
    texts = np.array([' '.join(random.choice(words, 6)) for _ in range(300)])
    liked = np.array(['pos' if text.count('g') > 2 else 'neg' for text in texts])
    for name, shape in [('sklearn-words', [None, 1]), ('sklearn-words-list', [None])]:
        # Lower case takes a locale that not every machine has.
        model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(texts, liked)
        case(
            name,
            to_onnx(model, initial_types=[('text', StringTensorType(shape))]),
            inputs={'text': 'string'},
            classes=model.classes_,
            rows=[{'text': text} for text in texts[:40]],
            expected=model.predict_proba(texts[:40]),
            told=False,
        )


def lightgbm():
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    def convert(model):
        return convert_lightgbm(model, initial_types=[('input', FloatTensorType([None, len(names)]))])

    settings = {'n_estimators': 30, 'verbose': -1}
    model = LGBMClassifier(**settings).fit(gappy, gappy_flag)
    case(
        'lightgbm-binary',
        convert(model),
        inputs=floats,
        classes=[0, 1],
        rows=records(gappy_probe),
        expected=model.predict_proba(gappy_probe),
    )
    model = LGBMClassifier(**settings).fit(train, kinds)
    case(
        'lightgbm-classes',
        convert(model),
        inputs=floats,
        classes=model.classes_,
        rows=records(probe),
        expected=model.predict_proba(probe),
    )
    model = LGBMRegressor(**settings).fit(train, scores(train))
    case(
        'lightgbm-value',
        convert(model),
        inputs=floats,
        classes=[],
        task='regression',
        rows=records(probe),
        expected=model.predict(probe),
    )


def xgboost():
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from xgboost import XGBClassifier, XGBRegressor

    def convert(model):
        return convert_xgboost(model, initial_types=[('input', FloatTensorType([None, len(names)]))])

    settings = {'n_estimators': 30, 'max_depth': 4}
    model = XGBClassifier(**settings).fit(gappy, gappy_flag)
    case(
        'xgboost-binary',
        convert(model),
        inputs=floats,
        classes=[0, 1],
        rows=records(gappy_probe),
        expected=model.predict_proba(gappy_probe),
    )
    model = XGBClassifier(**settings).fit(gappy, codes)
    case(
        'xgboost-classes',
        convert(model),
        inputs=floats,
        classes=[0, 1, 2],
        rows=records(gappy_probe),
        expected=model.predict_proba(gappy_probe),
    )
    model = XGBRegressor(**settings).fit(gappy, scores(gappy))
    case(
        'xgboost-value',
        convert(model),
        inputs=floats,
        classes=[],
        task='regression',
        rows=records(gappy_probe),
        expected=model.predict(gappy_probe),
    )


def catboost():
    from catboost import CatBoostClassifier, CatBoostRegressor

    def convert(model):
        file = folder / 'catboost.tmp'
        model.save_model(str(file), format='onnx')
        found = file.read_bytes()
        file.unlink()
        return found

    settings = {'iterations': 30, 'depth': 4, 'verbose': False, 'allow_writing_files': False}
    model = CatBoostClassifier(**settings).fit(train, flag)
    case(
        'catboost-binary',
        convert(model),
        inputs=floats,
        classes=[0, 1],
        rows=records(probe),
        expected=model.predict_proba(probe),
    )
    model = CatBoostClassifier(**settings, loss_function='MultiClass').fit(train, kinds)
    case(
        'catboost-classes',
        convert(model),
        inputs=floats,
        classes=model.classes_,
        rows=records(probe),
        expected=model.predict_proba(probe),
    )
    model = CatBoostRegressor(**settings).fit(train, scores(train))
    case(
        'catboost-value',
        convert(model),
        inputs=floats,
        classes=[],
        task='regression',
        rows=records(probe),
        expected=model.predict(probe),
    )


def network():
    """As torch.onnx writes a perceptron: Gemm and Relu, one fixed row, and logits."""
    from onnx import TensorProto, helper, numpy_helper

    hidden = (random.normal(size=(8, len(names))), random.normal(size=8))
    last = (random.normal(size=(3, 8)), random.normal(size=3))

    def weights(name, values):
        return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)

    for name, width in [('network-classes', 3), ('network-binary', 1)]:
        graph = helper.make_graph(
            [
                helper.make_node('Gemm', ['input', 'fc1.weight', 'fc1.bias'], ['h'], transB=1),
                helper.make_node('Relu', ['h'], ['r']),
                helper.make_node('Gemm', ['r', 'fc2.weight', 'fc2.bias'], ['output'], transB=1),
            ],
            'main_graph',
            [helper.make_tensor_value_info('input', TensorProto.FLOAT, [1, len(names)])],
            [helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, width])],
            [
                weights('fc1.weight', hidden[0]),
                weights('fc1.bias', hidden[1]),
                weights('fc2.weight', last[0][:width]),
                weights('fc2.bias', last[1][:width]),
            ],
        )
        layer = np.maximum(probe.astype(np.float64) @ hidden[0].T + hidden[1], 0)
        logits = layer @ last[0][:width].T + last[1][:width]
        if width == 1:
            positive = 1 / (1 + np.exp(-logits))
            expected = np.hstack([1 - positive, positive])
        else:
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            expected = powers / powers.sum(axis=1, keepdims=True)
        case(
            name,
            helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)]),
            inputs=floats,
            classes=['no', 'yes'] if width == 1 else ['a', 'b', 'c'],
            rows=records(probe),
            expected=expected,
        )


for maker in [scikit_learn, scikit_learn_alone, lightgbm, xgboost, catboost, network]:
    if len(sys.argv) > 2 and maker.__name__ not in sys.argv[2:]:
        continue
    maker()
(folder / 'cases.json').write_text(json.dumps(cases))
