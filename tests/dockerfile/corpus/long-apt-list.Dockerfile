FROM buildpack-deps:jammy
ENV DEBIAN_FRONTEND noninteractive
RUN apt-get update --fix-missing && apt-get install -y wget bzip2 ca-certificates libglib2.0-0 libxext6 libsm6 libxrender1 git mercurial subversion
RUN apt-get install -y vim nano less man-db openssh-client screen tmux
RUN apt-get install -y cmake pkg-config libopenblas-dev liblapack-dev libhdf5-dev libjpeg-dev libpng-dev libtiff-dev
RUN pip install --upgrade pip && pip install tensorflow-gpu==2.4 keras h5py
RUN pip install jupyter notebook ipython
RUN pip cache purge; rm -rf ~/.cache
