FROM debian:bookworm
# What follows installs things.
RUN apt-get update && \
    # compilers
    apt-get install -y \
        gcc \
# a comment at the margin
        g++ \
        # python3-dev \

        python3-pip \
    && \
    # clean
    rm -rf /var/lib/apt/lists/*
RUN pip3 install --break-system-packages \
    #   numpy
    scikit-learn
CMD ["python3"]
