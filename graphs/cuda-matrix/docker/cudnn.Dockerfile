ARG CUDA
FROM registry.example/cuda/cu${CUDA}
ARG CUDNN
RUN sh /usr/local/bin/install.sh cudnn "${CUDNN}"
