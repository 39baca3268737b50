# A stand-in for building convperf.
set -eu
mkdir -p /opt/convperf
echo built > /opt/convperf/STATE
