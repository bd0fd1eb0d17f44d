FROM python:3.11-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN ["pip", "install", "numpy", "--no-cache-dir"]
RUN ["/bin/bash", "-c", "apt-get update && apt-get install -y gcc"]
COPY ["a file with spaces.txt", "another.txt", "/data dir/"]
ADD [ "x.tar.gz", "/opt/" ]
VOLUME ["/data"]
ENTRYPOINT [ "python", "-c", "print(\"h\u00e9llo\")" ]
CMD ["--flag=\"quoted\"", ""]
