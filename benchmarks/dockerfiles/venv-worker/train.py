"""Fit the classifier that the worker uses."""

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

data = load_iris()
joblib.dump(LogisticRegression(max_iter=500).fit(data.data, data.target), "model.joblib")
