FROM rapidsai/base:23.12-cuda12.0-py3.10
USER root
RUN <<EOF
apt-get update
apt-get install -y graphviz
EOF
USER rapids
RUN conda install -y -c conda-forge -c nvidia cuxfilter && conda clean -tipy
RUN /opt/conda/bin/pip install dask-ml
