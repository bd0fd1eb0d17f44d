FROM python:3.11

WORKDIR /app

RUN apt-get update && apt-get install -y build-essential git curl libgl1-mesa-glx libglib2.0-0

COPY . .

RUN pip install torch torchvision
RUN pip install -r requirements.txt

EXPOSE 8000

CMD uvicorn app.main:app --host 0.0.0.0 --port 8000
