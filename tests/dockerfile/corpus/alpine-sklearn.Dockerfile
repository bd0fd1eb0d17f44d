FROM python:3.11-alpine
RUN apk add --no-cache --virtual .build-deps gcc g++ musl-dev gfortran openblas-dev \
    && apk add openblas libstdc++ \
    && pip install scikit-learn \
    && apk del .build-deps
RUN apk update && apk add bash
COPY app /app
CMD ["python", "/app/main.py"]
