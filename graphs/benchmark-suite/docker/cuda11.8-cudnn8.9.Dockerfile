FROM gcr.io/benchmarks/suite/base-python3.10@sha256:b6ea227d36fda5b319bfd7e359190f27f955715693b6f9b16f57c54ffe7dfbf6
ARG CUDA_VERSION=11.8
ARG CUDNN_VERSION=8.9
COPY scripts/install_cuda.sh /opt/scripts/
RUN sh /opt/scripts/install_cuda.sh "${CUDA_VERSION}" "${CUDNN_VERSION}"
LABEL cuda=${CUDA_VERSION} cudnn=${CUDNN_VERSION}
