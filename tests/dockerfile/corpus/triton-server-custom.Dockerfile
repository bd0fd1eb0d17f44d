ARG TRITON_TAG=23.10-py3
FROM nvcr.io/nvidia/tritonserver:${TRITON_TAG}
RUN pip install --upgrade pip && pip install \
    transformers==4.35.0 \
    sentencepiece \
    tokenizers
COPY model_repository /models
ENV LD_PRELOAD="/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4:${LD_PRELOAD}"
EXPOSE 8000 8001 8002
CMD ["tritonserver", "--model-repository=/models", "--strict-model-config=false"]
