ARG UBUNTU_VERSION=22.04
ARG CUDA_VERSION=12.3.1
ARG BASE_CUDA_DEV_CONTAINER=nvidia/cuda:${CUDA_VERSION}-devel-ubuntu${UBUNTU_VERSION}
ARG BASE_CUDA_RUN_CONTAINER=nvidia/cuda:${CUDA_VERSION}-runtime-ubuntu${UBUNTU_VERSION}

FROM ${BASE_CUDA_DEV_CONTAINER} as build
ARG CUDA_DOCKER_ARCH=all
RUN apt-get update && \
    apt-get install -y build-essential git
WORKDIR /app
COPY . .
ENV CUDA_DOCKER_ARCH=${CUDA_DOCKER_ARCH}
ENV LLAMA_CUDA=1
RUN make -j$(nproc)

FROM ${BASE_CUDA_RUN_CONTAINER} as runtime
RUN apt-get update && apt-get install -y libgomp1
COPY --from=build /app/server /server
ENTRYPOINT [ "/server" ]
