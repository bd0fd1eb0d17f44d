FROM python:3.9.16-slim-buster
RUN pip install --no-cache mlflow==2.2.2 psycopg2-binary boto3
STOPSIGNAL SIGINT
EXPOSE 5000
CMD mlflow server \
    --backend-store-uri ${BACKEND_URI} \
    --default-artifact-root ${ARTIFACT_ROOT} \
    --host 0.0.0.0
