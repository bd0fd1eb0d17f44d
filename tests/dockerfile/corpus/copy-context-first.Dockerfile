FROM python:3.11
WORKDIR /app
COPY . /app
RUN pip install --upgrade pip setuptools wheel
RUN pip install -r requirements.txt
RUN python setup.py install
RUN chown -R 1000:1000 /app
RUN chmod -R 755 /app
USER 1000
CMD ["python", "-m", "app"]
