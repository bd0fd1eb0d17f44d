FROM python:3.11-slim
LABEL org.opencontainers.image.source="https://github.com/example/model" \
      org.opencontainers.image.description="A model" \
      com.example.empty=""
LABEL single value with spaces
HEALTHCHECK NONE
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://localhost/')"]
USER app:app
STOPSIGNAL 9
EXPOSE 8080/tcp 9090/udp
VOLUME /data /cache
CMD []
ENTRYPOINT python -m app
