FROM python:3.11-slim AS base
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN pip install -r requirements/base.txt

FROM base AS dev
COPY requirements/dev.txt requirements/dev.txt
RUN pip install -r requirements/dev.txt
COPY . .
CMD ["pytest"]

FROM base AS train
RUN pip install torch tensorboard
COPY train train
ENTRYPOINT ["python", "-m", "train"]

FROM base AS prod
COPY app app
USER 65534:65534
CMD ["gunicorn", "app:create_app()"]
