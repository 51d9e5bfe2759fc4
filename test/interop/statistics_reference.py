# Writes src/statistics/testing/scipy.json: the numbers of NumPy, SciPy, scikit-learn and mmh3 that src/statistics is held against.
# Run: pip install numpy scipy scikit-learn mmh3; python test/interop/statistics_reference.py (made with 2.4.6, 1.17.1, 1.9.1, 5.3.1)
import json
import pathlib

import mmh3
import numpy as np
import scipy.special as special
import scipy.stats as stats
from sklearn import metrics


def lcg(rows, seed, scale=1.0, shift=0.0):
    """The same pseudo-random numbers that the tests make for themselves (Numerical Recipes' generator)."""
    x, out = seed, []
    for _ in range(rows):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(shift + scale * x / 2**32)
    return np.array(out)


def table(names, rows):
    return [dict(zip(names, row)) for row in rows]


def number(x):
    x = float(x)
    return x if np.isfinite(x) else str(x)


def xoshiro(count):
    st, out = [1, 2, 3, 4], []
    rotl = lambda x, k: ((x << k) | (x >> (32 - k))) & 0xFFFFFFFF
    for _ in range(count):
        out.append((rotl((st[1] * 5) & 0xFFFFFFFF, 7) * 9) & 0xFFFFFFFF)
        t = (st[1] << 9) & 0xFFFFFFFF
        st[2] ^= st[0]; st[3] ^= st[1]; st[1] ^= st[2]; st[0] ^= st[3]; st[2] ^= t
        st[3] = rotl(st[3], 11)
    return out


def hashes():
    texts = [("", 0), ("", 1), ("a", 0), ("ab", 7), ("abc", 0), ("abcd", 0), ("hello, world", 1234),
             ("The quick brown fox jumps over the lazy dog", 0x9747B28C), ("Zürich", 5), ("日本語テキスト", 0)]
    return table(["text", "seed", "hash"], [(t, s, mmh3.hash(t, s, signed=False)) for t, s in texts])


def distributions():
    one = lambda f, xs: table(["x", "value"], [(x, float(f(x))) for x in xs])
    two = lambda f, xs: table(["x", "degrees", "value"], [(x, d, float(f(x, d))) for x, d in xs])
    return {
        "logGamma": one(special.gammaln, [0.1, 0.5, 1, 2.5, 10, 171.3, 1e4, 1e6]),
        "normalCdf": one(stats.norm.cdf, [-8, -3, -1.2, -0.01, 0, 0.5, 1.96, 5]),
        "normalQuantile": one(stats.norm.ppf, [1e-300, 1e-12, 0.005, 0.025, 0.3, 0.5, 0.9, 0.999, 1 - 1e-10]),
        "chiSquaredSurvival": two(stats.chi2.sf, [(0.1, 1), (3.84, 1), (100, 1), (5, 5), (300, 200), (180, 200),
                                                  (1000, 900), (20000, 19800), (1e-3, 0.5)]),
        "studentSurvival": two(stats.t.sf, [(0.5, 1), (2, 3), (-1.5, 11.6), (4, 30), (10, 5), (1.96, 1e6)]),
        "studentQuantile": two(stats.t.ppf, [(0.005, 11.6), (0.975, 3), (0.6, 30), (1e-6, 2), (0.99, 1e5)]),
        "incompleteBeta": table(["x", "a", "b", "value"], [(x, a, b, float(special.betainc(a, b, x))) for x, a, b in [
            (0.5, 3, 7), (0.01, 0.5, 0.5), (0.9, 200, 30), (0.5, 1000, 1040), (0.3, 1, 1)]]),
    }


def kolmogorov():
    samples = []
    for n1, n2, scale, shift in [(10, 10, 1, 0.3), (30, 50, 1, 0.1), (100, 100, 1.1, 0), (1000, 977, 1, 0.03),
                                 (700, 9000, 1, 0.02), (500, 12000, 1, 0.05), (1000, 20000, 1.05, 0),
                                 (1000, 1000, 1, 0.5)]:
        k = stats.ks_2samp(lcg(n1, 1), lcg(n2, 2, scale, shift))
        samples.append((n1, n2, scale, shift, float(k.statistic), float(k.pvalue)))
    ties = stats.ks_2samp(np.floor(lcg(200, 3) * 10), np.floor(lcg(150, 4) * 11))
    return {
        "limit": table(["x", "value"], [(x, float(stats.kstwobign.sf(x))) for x in [0.2, 0.5, 0.8, 0.99, 1, 1.36, 2, 4]]),
        "sample": table(["d", "n", "value"], [(d, n, float(stats.kstwo.sf(d, n))) for d, n in [
            (0.3, 10), (0.05, 50), (0.1, 50), (0.2, 50), (0.03, 500), (0.06, 500), (0.1, 500), (0.02, 909),
            (0.04, 909), (0.057, 999), (0.15, 999)]]),
        "large": table(["d", "n", "value"], [(d, n, float(stats.kstwo.sf(d, n))) for d, n in [
            (0.01, 5000), (0.02, 5000), (0.003, 100000)]]),
        "twoSamples": table(["n1", "n2", "scale", "shift", "statistic", "pValue"], samples),
        "ties": {"statistic": float(ties.statistic), "pValue": float(ties.pvalue)},
    }


def divergences():
    pairs = {
        "plain": ([120, 340, 280, 160, 100], [90, 310, 300, 200, 140]),
        "emptyInCurrent": ([10, 20, 30, 40], [0, 30, 30, 40]),
        "emptyInReference": ([0, 20, 30, 40], [5, 30, 30, 40]),
        "disjoint": ([5, 5, 0, 0], [0, 0, 7, 3]),
        "same": ([3, 4, 5], [3, 4, 5]),
    }
    out = []
    for name, (r, c) in pairs.items():
        r, c = np.array(r, float), np.array(c, float)
        p, q = r / r.sum(), c / c.sum()
        fp, fq = np.where(p < 1e-4, 1e-4, p), np.where(q < 1e-4, 1e-4, q)
        with np.errstate(divide="ignore"):
            goodness = stats.chisquare(c, r * c.sum() / r.sum()) if (r > 0).all() else None
        keep = (r + c) > 0
        table2 = stats.chi2_contingency(np.array([r[keep], c[keep]]), correction=False)
        positions = np.arange(len(r)) * 1.5 - 2
        mean = np.average(positions, weights=r)
        out.append({
            "name": name, "reference": r.tolist(), "current": c.tolist(),
            "psi": number(((fp - fq) * np.log(fp / fq)).sum()),
            "jensenShannon": number(np.sqrt(max(0, 0.5 * (stats.entropy(p, (p + q) / 2) + stats.entropy(q, (p + q) / 2))))),
            "jensenShannonBase2": number(np.sqrt(max(0, 0.5 * (stats.entropy(p, (p + q) / 2, base=2) + stats.entropy(q, (p + q) / 2, base=2))))),
            "kullbackLeibler": number(stats.entropy(p, q)),
            "hellinger": number(np.sqrt(max(0, 1 - np.sqrt(p * q).sum()))),
            "totalVariation": number(0.5 * np.abs(p - q).sum()),
            "wasserstein": number(stats.wasserstein_distance(positions, positions, r, c)),
            "deviation": number(np.sqrt(np.average((positions - mean) ** 2, weights=r))),
            "goodness": None if goodness is None else {"statistic": number(goodness.statistic), "pValue": number(goodness.pvalue)},
            "homogeneity": {"statistic": number(table2.statistic), "pValue": number(table2.pvalue), "degrees": int(table2.dof)},
        })
    exact = []
    for n1, n2, scale, shift in [(100, 73, 1.3, 0.1), (1000, 1000, 1, 0.02), (7, 500, 0.5, -1)]:
        exact.append((n1, n2, scale, shift, float(stats.wasserstein_distance(lcg(n1, 5), lcg(n2, 6, scale, shift)))))
    return {"counts": out, "samples": table(["n1", "n2", "scale", "shift", "wasserstein"], exact)}


def classification():
    rows = 500
    scores = np.round(lcg(rows, 11), 2)  # ties
    labels = (lcg(rows, 12) < 0.2 + 0.6 * scores).astype(int)
    sure = np.clip(np.where(lcg(rows, 13) < 0.05, np.round(scores), scores), 0, 1)  # holds exact 0 and 1
    weights = lcg(rows * 4, 14).reshape(rows, 4) + 0.05
    multi = weights / weights.sum(axis=1, keepdims=True)
    classes = np.floor(lcg(rows, 15) * 4).astype(int)
    other = np.clip(scores + 0.4 * (lcg(rows, 16) - 0.5), 0, 1)
    return {
        "rows": rows,
        "auc": float(metrics.roc_auc_score(labels, scores)),
        "logLoss": float(metrics.log_loss(labels, scores)),
        "logLossSure": float(metrics.log_loss(labels, sure)),
        "brier": float(metrics.brier_score_loss(labels, scores)),
        "accuracy": float(metrics.accuracy_score(labels, scores >= 0.5)),
        "multiclassLogLoss": float(metrics.log_loss(classes, multi)),
        "multiclassAccuracy": float(metrics.accuracy_score(classes, multi.argmax(axis=1))),
        "delong": delong(labels, scores, other),
    }


def delong(labels, a, b):
    """DeLong, DeLong and Clarke-Pearson (1988), straight from the definition, by placements of every pair."""
    parts = []
    for s in (a, b):
        x, y = s[labels == 1], s[labels == 0]
        psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        parts.append((psi.mean(), psi.mean(axis=1), psi.mean(axis=0)))
    s10 = np.cov(np.array([parts[0][1], parts[1][1]]))
    s01 = np.cov(np.array([parts[0][2], parts[1][2]]))
    m, n = len(parts[0][1]), len(parts[0][2])
    s = s10 / m + s01 / n
    return {"first": float(parts[0][0]), "second": float(parts[1][0]), "firstError": float(np.sqrt(s[0, 0])),
            "error": float(np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1]))}


def regression():
    truth = 10 * lcg(300, 21)
    predicted = truth + lcg(300, 22) - 0.4
    return {
        "rmse": float(metrics.root_mean_squared_error(truth, predicted)),
        "mae": float(metrics.mean_absolute_error(truth, predicted)),
        "r2": float(metrics.r2_score(truth, predicted)),
        "meanError": float((predicted - truth).mean()),
    }


def multiplicity():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    p = [p[i] for i in (3, 0, 9, 1, 5, 2, 8, 4, 7, 6)]
    return {"pValues": p, "adjusted": stats.false_discovery_control(p).tolist()}


reference = {
    "hashes": hashes(), "xoshiro": xoshiro(8), "distributions": distributions(), "kolmogorov": kolmogorov(),
    "divergences": divergences(), "classification": classification(), "regression": regression(),
    "multiplicity": multiplicity(),
}
path = pathlib.Path(__file__).parents[2] / "src/statistics/testing/scipy.json"
path.write_text(json.dumps(reference, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
