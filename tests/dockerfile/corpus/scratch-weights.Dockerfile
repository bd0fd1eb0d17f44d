# syntax=docker/dockerfile:1.4
FROM alpine:3.19 AS fetch
RUN wget -O /model.gguf https://example.com/model.gguf \
 && echo "d2d2d2  /model.gguf" | sha256sum -c -
FROM scratch AS weights
COPY --link --from=fetch /model.gguf /models/
FROM --platform=$BUILDPLATFORM python:3.12-slim AS app
COPY --link --from=weights /models /models
RUN --mount=type=secret,id=token,env=TOKEN --network=none true
CMD ["python", "-V"]
