ARG CUDA
ARG CUDNN
FROM registry.example/cuda/cu${CUDA}-cudnn${CUDNN}
ARG PYTHON
COPY scripts/python.sh /tmp/python.sh
RUN sh /tmp/python.sh "${PYTHON}"
