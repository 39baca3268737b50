# A stand-in for building mmperf.
set -eu
mkdir -p /opt/mmperf
echo built > /opt/mmperf/STATE
