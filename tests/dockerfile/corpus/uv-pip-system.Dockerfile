FROM python:3.11-slim
COPY --from=ghcr.io/astral-sh/uv:0.4.9 /uv /uvx /bin/
COPY requirements.txt requirements-dev.txt ./
RUN uv pip install --system -r requirements.txt -r requirements-dev.txt
COPY . /code
WORKDIR /code
CMD python -m pytest; python main.py
