FROM ubuntu:22.04
RUN apt-get update && apt-get install -y curl
RUN curl -LsSf https://astral.sh/uv/install.sh | sh
RUN wget -qO- https://example.com/setup.sh | bash -s -- --yes
RUN curl -fsSL https://ollama.com/install.sh -o install.sh && sh install.sh && rm install.sh
ENV PATH=/root/.local/bin:$PATH
RUN uv python install 3.12
