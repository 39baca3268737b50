FROM registry.example/cuda/os
ARG CUDA
RUN sh /usr/local/bin/install.sh cuda "${CUDA}"
ENV CUDA_VERSION=${CUDA}
