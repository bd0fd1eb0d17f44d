"""The tests of the application, which travel into the image as `COPY .` takes them along."""

from app import app
from fastapi.testclient import TestClient


def test_health_says_ok() -> None:
    assert TestClient(app).get("/health").json() == {"status": "ok"}
