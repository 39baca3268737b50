# A stand-in: the real one would install this version of Python.
set -eu
mkdir -p /opt/python
echo "$1" > /opt/python/VERSION
