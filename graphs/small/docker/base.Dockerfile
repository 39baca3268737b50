# MIRROR lets a run without internet take the external base from a registry nearby.
ARG MIRROR=docker.io/library
FROM ${MIRROR}/ubuntu:22.04
COPY scripts/setup.sh /usr/local/bin/
RUN sh /usr/local/bin/setup.sh
