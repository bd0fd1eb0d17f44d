FROM python:3.8
RUN pip install pandas xgboost
COPY . /app
CMD python /app/train.py