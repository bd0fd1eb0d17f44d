FROM registry.access.redhat.com/ubi9/python-311:1-52
USER 0
RUN dnf install -y --setopt=install_weak_deps=False gcc libgomp && dnf clean all
RUN yum -y install mesa-libGL; yum clean all
USER 1001
COPY --chown=1001:0 requirements.txt ./
RUN pip install -r requirements.txt
CMD python app.py
