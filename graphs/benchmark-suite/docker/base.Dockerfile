# The base of the suite. The real one would install compilers and clone tools with apt.
ARG MIRROR=docker.io/library
FROM ${MIRROR}/ubuntu:22.04
COPY scripts/setup_base.sh scripts/install_cmake.sh /opt/scripts/
RUN sh /opt/scripts/setup_base.sh && sh /opt/scripts/install_cmake.sh 3.27.0
ENV SUITE=/opt/suite
