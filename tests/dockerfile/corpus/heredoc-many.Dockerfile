# syntax=docker/dockerfile:1
FROM python:3.12-slim
COPY <<robots.txt <<humans.txt /srv/static/
User-agent: *
robots.txt
made by people
humans.txt
RUN cat <<A > /a && cat <<B > /b
one
A
two
B
RUN python3 <<EOF
print("RUN is no instruction here")
FROM = 1
EOF
ONBUILD RUN <<EOT
pip install -r requirements.txt
EOT
ADD --chmod=755 <<EOF /entrypoint.sh
#!/bin/sh
exec "$@"
EOF
ENTRYPOINT ["/entrypoint.sh"]
