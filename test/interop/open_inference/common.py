"""What the scripts of the stock clients share: the rows they send, and what the model must say of them."""
import math
import sys

import numpy as np

url = sys.argv[1]
rows = 5
x = np.array([[0.5], [-1.25], [3.0], [0.0], [-0.5]], dtype=np.float64)
carrier = np.array([["AA"], ["BB"], ["Zürich"], [""], ["AA"]], dtype=np.object_)
date = np.array([["2001-01-31T07:45:00Z"]] * rows, dtype=np.object_)
weights = {"AA": 0.5, "BB": -0.5}
positive = np.array([1 / (1 + math.exp(-(value[0] + weights.get(name[0], 0)))) for value, name in zip(x, carrier)])
yes = positive >= 0.5
checks = 0


def check(condition, what):
    global checks
    assert condition, what
    checks += 1


def check_probabilities(found, what):
    check(found is not None and found.shape == (rows, 2), what)
    check(np.allclose(found[:, 1], positive, atol=1e-5) and np.allclose(found.sum(axis=1), 1, atol=1e-5), what)


def raises(call, kind, text, what):
    try:
        call()
    except kind as error:
        check(text in str(error), f"{what}: {error}")
        return
    check(False, f"{what}: nothing was raised")
