FROM python:3.10
RUN useradd -m -u 1000 user
USER user
ENV HOME=/home/user \
	PATH=/home/user/.local/bin:$PATH
WORKDIR $HOME/app
COPY --chown=user . $HOME/app
RUN pip install --no-cache-dir --upgrade pip && \
    pip install --no-cache-dir gradio diffusers torch --extra-index-url https://download.pytorch.org/whl/cu118
CMD ["python", "app.py"]
