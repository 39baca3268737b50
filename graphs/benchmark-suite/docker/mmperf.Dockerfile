FROM gcr.io/benchmarks/suite/base-python3.10@sha256:b6ea227d36fda5b319bfd7e359190f27f955715693b6f9b16f57c54ffe7dfbf6
COPY scripts/build_mmperf.sh /opt/scripts/
COPY suite/mmperf.txt /opt/suite/
RUN sh /opt/scripts/build_mmperf.sh
COPY <<CONF /etc/mmperf.conf
suite=${SUITE}
CONF
