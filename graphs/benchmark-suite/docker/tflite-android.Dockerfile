FROM gcr.io/benchmarks/suite/android@sha256:f60ed56a9c8275894022fe5a7a1625c33bdb55b729bb4e38962af4d1613eda25 AS build
RUN mkdir -p /out && echo "${ANDROID_NDK}" > /out/tflite

FROM gcr.io/benchmarks/suite/android@sha256:f60ed56a9c8275894022fe5a7a1625c33bdb55b729bb4e38962af4d1613eda25 AS debug
RUN echo "never reached by the last stage" > /debug

FROM gcr.io/benchmarks/suite/android@sha256:f60ed56a9c8275894022fe5a7a1625c33bdb55b729bb4e38962af4d1613eda25
COPY --from=build /out/tflite /opt/tflite
