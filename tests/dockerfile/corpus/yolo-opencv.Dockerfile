FROM python:3.10
RUN apt-get update && apt-get upgrade -y && apt-get install ffmpeg libsm6 libxext6 -y
RUN pip install ultralytics opencv-python
RUN yolo export model=yolov8n.pt format=onnx; exit 0
COPY detect.py .
CMD python detect.py
