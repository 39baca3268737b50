# Copies from elsewhere in the repository: tools/db_import is no folder of docker/.
ARG MIRROR=docker.io/library
FROM ${MIRROR}/golang:1.20 AS build
COPY tools/db_import/main.go /src/
RUN mkdir -p /out && cp /src/main.go /out/db_import

FROM ${MIRROR}/python:3.11-alpine
COPY --from=build /out/db_import /usr/local/bin/
COPY tools/db_import/requirements.txt /tmp/
RUN mkdir -p /opt && cat /tmp/requirements.txt > /opt/installed
