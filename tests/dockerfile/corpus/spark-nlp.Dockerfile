FROM bitnami/spark:3.4
USER root
RUN apt-get update; apt-get install -y --fix-missing wget || true
RUN if ! command -v java; then echo "no java" >&2; exit 1; fi; \
    while read -r line; do echo "$line"; done < /etc/os-release; \
    case "$(uname -m)" in \
      x86_64) ARCH=amd64 ;; \
      aarch64) ARCH=arm64 ;; \
    esac; \
    (cd /tmp && wget -q "https://example.com/$ARCH.tgz" && tar xzf "$ARCH.tgz"); \
    rm -f /tmp/*.tgz
RUN set -ex; export X=1; \
    pip install spark-nlp==5.1.0 2>&1 | tee /tmp/log > /dev/null
USER 1001
