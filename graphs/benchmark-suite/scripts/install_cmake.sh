# A stand-in: the real one would download and unpack cmake.
set -eu
mkdir -p /opt/cmake
echo "$1" > /opt/cmake/VERSION
