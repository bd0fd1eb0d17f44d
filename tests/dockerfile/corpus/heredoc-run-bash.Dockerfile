# syntax=docker/dockerfile:1.6
FROM ubuntu:22.04
RUN <<EOF
set -eux
apt-get update
apt-get install -y --no-install-recommends python3 python3-pip
rm -rf /var/lib/apt/lists/*
EOF
RUN <<-'SCRIPT' bash
	pip install numpy
	pip install scipy
	SCRIPT
COPY <<"CONF" /etc/app/config.toml
[server]
port = 8080 # not a comment of ours
CONF
CMD ["python3"]
