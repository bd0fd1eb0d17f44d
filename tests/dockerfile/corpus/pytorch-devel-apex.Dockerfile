FROM pytorch/pytorch:1.13.1-cuda11.6-cudnn8-devel
RUN apt update && apt install -y git vim tmux htop && apt clean
RUN git clone https://github.com/NVIDIA/apex && cd apex && \
    pip install -v --disable-pip-version-check --no-cache-dir --global-option="--cpp_ext" --global-option="--cuda_ext" ./
RUN pip install detectron2 -f \
  https://dl.fbaipublicfiles.com/detectron2/wheels/cu113/torch1.10/index.html
COPY ./ /workspace/project/
WORKDIR /workspace/project
RUN pip install -e .[train,dev]
VOLUME ["/data", "/checkpoints"]
CMD ["bash"]
