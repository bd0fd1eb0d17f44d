FROM python:3.11
ENV POETRY_HOME=/opt/poetry \
    POETRY_VERSION=1.8.2
RUN curl -sSL https://install.python-poetry.org | python3 -
ENV PATH="$POETRY_HOME/bin:$PATH"
WORKDIR /srv
COPY . /srv
RUN poetry config virtualenvs.create false && poetry install --no-interaction --no-ansi
CMD poetry run python train.py
