FROM python:3.11
ENV AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE12
ENV AWS_SECRET_ACCESS_KEY "not a real one"
ARG PIP_INDEX_URL=https://user:password@pypi.example.com/simple
RUN pip install --index-url $PIP_INDEX_URL private-model
RUN aws s3 cp s3://bucket/model.bin /models/model.bin
CMD ["python", "-m", "private_model"]
