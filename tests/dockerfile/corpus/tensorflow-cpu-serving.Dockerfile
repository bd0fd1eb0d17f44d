FROM python:3.8-buster
LABEL maintainer="ml team <ml@example.com>" version='1.0' \
      description="serves \"the\" model"
RUN pip3 install tensorflow==2.8.0 flask gunicorn
RUN mkdir -p /models/1 && cd /models/1 && wget https://example.com/models/saved_model.tar.gz && tar xzf saved_model.tar.gz
COPY app.py /
HEALTHCHECK --interval=30s --timeout=5s --retries=3 CMD curl -f http://localhost:5000/healthz || exit 1
CMD gunicorn -b :5000 app:app
