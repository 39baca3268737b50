# A stand-in for apt-get install.
set -eu
mkdir -p /opt/suite
echo base > /opt/suite/LEVEL
