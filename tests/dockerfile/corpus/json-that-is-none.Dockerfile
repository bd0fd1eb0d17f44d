FROM python:3.11-slim
CMD [not json]
ENTRYPOINT ['python', 'single.py']
RUN [ -d /opt ] && echo there
RUN [[ -f /etc/os-release ]] || true
