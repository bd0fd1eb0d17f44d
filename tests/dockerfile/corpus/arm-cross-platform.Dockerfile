FROM --platform=linux/arm64 arm64v8/python:3.10-slim-bullseye
ARG TARGETARCH
RUN apt-get update && apt-get install -y --no-install-recommends libatlas-base-dev libopenblas0 && \
    if [ "$TARGETARCH" = "arm" ]; then pip config set global.extra-index-url https://wheels.example.org/simple; fi && \
    pip install tflite-runtime pillow
COPY --chmod=0644 model.tflite labels.txt /opt/model/
CMD ["python3", "-u", "/opt/model/run.py"]
