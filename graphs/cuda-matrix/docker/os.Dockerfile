# MIRROR lets a run without internet take the external base from a registry nearby.
ARG MIRROR=docker.io/library
FROM ${MIRROR}/ubuntu:22.04
COPY scripts/install.sh /usr/local/bin/install.sh
RUN sh /usr/local/bin/install.sh os 22.04
