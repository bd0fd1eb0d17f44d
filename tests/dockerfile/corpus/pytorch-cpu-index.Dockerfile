FROM python:3.11-slim-bookworm
RUN pip install --no-cache-dir torch==2.2.0+cpu torchvision==0.17.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt && rm /tmp/requirements.txt
COPY src/ /app/src/
WORKDIR /app
USER nobody
ENTRYPOINT ["python", "-m", "src.serve"]
