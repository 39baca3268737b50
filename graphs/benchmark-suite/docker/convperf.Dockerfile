FROM gcr.io/benchmarks/suite/base-python3.10@sha256:b6ea227d36fda5b319bfd7e359190f27f955715693b6f9b16f57c54ffe7dfbf6
COPY scripts/build_convperf.sh /opt/scripts/
COPY suite/convperf.txt /opt/suite/
RUN sh /opt/scripts/build_convperf.sh
COPY <<CONF /etc/convperf.conf
suite=${SUITE}
CONF
