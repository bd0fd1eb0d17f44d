"""Classify one flower, and say which database client would store it."""

import sys

import joblib
import pandas as pd
import psycopg2

row = pd.DataFrame([[float(word) for word in sys.argv[1].split(",")]])
print(int(joblib.load("model.joblib").predict(row.to_numpy())[0]), psycopg2.__libpq_version__ > 0)
