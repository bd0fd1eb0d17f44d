FROM python:3.10

# comment with CRLF
RUN apt-get update \
    && apt-get install -y gcc \
    # within
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
