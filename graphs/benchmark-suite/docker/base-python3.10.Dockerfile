FROM gcr.io/benchmarks/suite/base@sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2
ARG PYTHON_VERSION=3.10
COPY scripts/install_python.sh /opt/scripts/
RUN --mount=type=bind,source=requirements,target=/requirements \
    sh /opt/scripts/install_python.sh "${PYTHON_VERSION}" /requirements/base.txt
