"""The nightly job: batch.py NEW.csv FORECAST.csv writes a forecast for each row, and a summary on standard output."""

import sys

import joblib
import pandas as pd


def main(new: str, forecast: str) -> None:
    """Forecast the rows of `new` into `forecast`."""
    table = pd.read_csv(new)
    model = joblib.load("model.joblib")
    table["forecast"] = model.predict(table.drop(columns="sold")).round(2)
    table.to_csv(forecast, index=False)
    print(table.groupby("shop")[["sold", "forecast"]].mean().round(2).to_csv(), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
