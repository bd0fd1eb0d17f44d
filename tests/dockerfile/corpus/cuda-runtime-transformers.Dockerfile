# syntax=docker/dockerfile:1.4
ARG CUDA_VERSION=11.8.0
ARG UBUNTU=20.04
FROM nvidia/cuda:${CUDA_VERSION}-cudnn8-runtime-ubuntu${UBUNTU} AS base
ARG PYTHON_VERSION=3.10
ENV DEBIAN_FRONTEND=noninteractive TZ=Etc/UTC
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends software-properties-common \
 && add-apt-repository -y ppa:deadsnakes/ppa \
 && apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends python${PYTHON_VERSION} python${PYTHON_VERSION}-distutils curl \
 && curl -sS https://bootstrap.pypa.io/get-pip.py | python${PYTHON_VERSION} \
 && apt-get clean
RUN python${PYTHON_VERSION} -m pip install transformers accelerate bitsandbytes
COPY serve.py /srv/serve.py
USER 1000:1000
CMD ["python3.10", "/srv/serve.py"]
