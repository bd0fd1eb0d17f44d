FROM python:3.11
RUN bash -c 'set -euo pipefail; pip install "torch>=2" | tail -n1' && echo "it's \"done\" \$PATH"
RUN python -c "\
import sys; \
print(sys.version)"
RUN echo "line one\n\
line two" > /etc/motd && \
    { echo a; echo b; } >> /etc/motd; (cd /opt; ls) && ! false
RUN eval "$(curl -s https://example.com/env)" && \
    pip install $(grep -v '^#' requirements.txt | tr '\n' ' ') || exit $?
RUN pip install \
    "uvicorn[standard]" fastapi~=0.100 'pydantic<2' ./wheels/*.whl
CMD exec python "-m" 'http.server' "$PORT"
