FROM tensorflow/tensorflow:2.13.0-gpu-jupyter
RUN apt-get update
RUN apt-get install -y libsm6 libxext6 libxrender-dev
RUN pip install opencv-python pandas matplotlib seaborn
RUN pip install tensorflow-addons
ADD . /tf/notebooks
WORKDIR /tf/notebooks
CMD ["jupyter", "notebook", "--ip=0.0.0.0", "--allow-root", "--no-browser"]
