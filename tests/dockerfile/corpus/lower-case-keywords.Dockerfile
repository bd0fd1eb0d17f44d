from python:3.6 as builder
maintainer Somebody <somebody@example.com>
run pip install --user keras==2.3.1 theano
from python:3.6-slim As Final
copy --from=builder /root/.local /root/.local
env PATH /root/.local/bin:$PATH
Expose 80/tcp 443
Cmd python -c "import keras"
