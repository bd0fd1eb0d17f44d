ARG REGISTRY=docker.io
ARG PY=3.11
ARG VARIANT=${PY}-slim
FROM ${REGISTRY}/library/python:${VARIANT:-3.11} AS build
ARG PY
ARG EXTRA=
ENV A=one B=${A}two C="$A $B" D='$A' E=\$A
ENV F=${A:-default} G=${MISSING:-fallback} H=${A:+set} I=${MISSING:+set}
WORKDIR /srv/$A/${G}
COPY --chown=${UID:-1000}:$GID src$EXTRA ./
RUN pip install "numpy${EXTRA}" && echo $A ${B} "$C" '$D' $(id -u) `id -g` $((1 + 2))
LABEL version="$PY" path=/srv/${G#fall}
USER ${UID:-1000}
EXPOSE ${PORT:-8080}/tcp
FROM build AS final
RUN echo "$PY is not set here, $B is"
