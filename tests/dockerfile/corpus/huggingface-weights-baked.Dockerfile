FROM python:3.10-slim
ARG HF_TOKEN
ENV HF_TOKEN=$HF_TOKEN HF_HOME=/models
RUN pip install transformers torch
RUN python - <<'PY'
from transformers import AutoModel, AutoTokenizer
name = "bert-base-uncased"
AutoModel.from_pretrained(name)
AutoTokenizer.from_pretrained(name)
PY
COPY app.py /app.py
CMD ["python", "/app.py"]
