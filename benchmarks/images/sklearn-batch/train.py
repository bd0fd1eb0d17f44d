"""Train the forecast of sales: train.py HISTORY.csv MODEL."""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder


def main(history: str, model: str) -> None:
    """Fit on `history`, write `model`."""
    table = pd.read_csv(history)
    pipeline = Pipeline(
        [
            ("columns", ColumnTransformer([("shop", OneHotEncoder(), ["shop"])], remainder="passthrough")),
            ("forest", HistGradientBoostingRegressor(max_iter=60, random_state=0)),
        ]
    )
    pipeline.fit(table.drop(columns="sold"), table["sold"])
    joblib.dump(pipeline, model)


if __name__ == "__main__":
    main(*sys.argv[1:])
