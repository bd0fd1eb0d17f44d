ARG BASE_IMAGE=rayproject/ray:2.9.0-py310-gpu
FROM ${BASE_IMAGE}
COPY --chown=ray:users requirements.txt /home/ray/
RUN $HOME/anaconda3/bin/pip --no-cache-dir install -U pip \
    && $HOME/anaconda3/bin/pip --no-cache-dir install -U -r /home/ray/requirements.txt
RUN sudo apt-get update && sudo apt-get install -y rsync && sudo rm -rf /var/lib/apt/lists/*
WORKDIR $HOME
