FROM nvidia/cuda:11.7.1-cudnn8-devel-ubuntu22.04

SHELL ["/bin/bash", "-c"]

ENV PYTHON_VERSION=3.10 LD_PRELOAD=libtcmalloc.so.4

RUN rm /etc/apt/sources.list.d/*.list && \
    apt update && apt upgrade -y && apt install -y --no-install-recommends \
    git wget curl bash libgl1 software-properties-common libtcmalloc-minimal4 "python${PYTHON_VERSION}-venv" python3-pip && \
    apt-get autoremove -y && rm -rf /var/lib/apt/lists/* && apt-get clean -y

RUN git clone https://github.com/AUTOMATIC1111/stable-diffusion-webui.git /sd && \
    cd /sd && \
    git reset --hard 5ef669de080814067961f28357256e8fe27544f4

RUN wget -q -O /sd/models/Stable-diffusion/model.safetensors https://civitai.example.com/api/download/models/1 && \
    mkdir -p /sd/cache && pip install xformers==0.0.20 triton

WORKDIR /sd
ENTRYPOINT ["/bin/bash", "-c", "source venv/bin/activate && python launch.py --listen --xformers"]
