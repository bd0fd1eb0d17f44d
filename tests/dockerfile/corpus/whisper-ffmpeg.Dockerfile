FROM python:3.9-bullseye
RUN apt-get -y update && apt-get -y install ffmpeg git && rm -rf /var/lib/apt/lists/* && \
    pip install --no-cache-dir git+https://github.com/openai/whisper.git@v20230314 && \
    python -c "import whisper; whisper.load_model('base')"
WORKDIR /audio
ENTRYPOINT ["whisper"]
CMD ["--help"]
