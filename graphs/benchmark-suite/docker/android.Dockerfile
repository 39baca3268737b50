FROM gcr.io/benchmarks/suite/base-python3.11@sha256:80ba530d9177029cb8d9d61d9cc600f12682229ff7a7f90f1ea52175a360ccc4
ARG NDK_VERSION=25b
COPY scripts/install_ndk.sh /opt/scripts/
RUN sh /opt/scripts/install_ndk.sh "${NDK_VERSION}"
ENV ANDROID_NDK=/opt/ndk
