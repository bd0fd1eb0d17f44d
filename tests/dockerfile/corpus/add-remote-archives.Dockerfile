FROM ubuntu:20.04
ADD https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh /tmp/miniconda.sh
RUN bash /tmp/miniconda.sh -b -p /opt/conda && rm /tmp/miniconda.sh
ADD data.tar.gz /data/
ADD config.yml /etc/app/
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/weights.bin /weights/
ENV PATH=/opt/conda/bin:$PATH
RUN conda install -y pytorch torchvision cpuonly -c pytorch
