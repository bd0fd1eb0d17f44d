# syntax=docker/dockerfile:1
FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04
RUN pip install azureml-defaults \
  mlflow
RUN <<EOF
echo one
EOF
