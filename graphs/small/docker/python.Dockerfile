FROM registry.example/tour/base
ARG PYTHON_VERSION
COPY scripts/install_python.sh /tmp/
RUN sh /tmp/install_python.sh "${PYTHON_VERSION}"
