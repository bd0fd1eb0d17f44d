FROM continuumio/miniconda3:latest

WORKDIR /app

COPY environment.yml .
RUN conda env create -f environment.yml

SHELL ["conda", "run", "-n", "ml", "/bin/bash", "-c"]

RUN python -c "import torch; print(torch.__version__)"

COPY . .
ENTRYPOINT ["conda", "run", "--no-capture-output", "-n", "ml", "python", "predict.py"]
