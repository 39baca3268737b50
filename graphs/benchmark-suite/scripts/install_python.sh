# A stand-in: the real one would install Python $1 and the packages in $2.
set -eu
mkdir -p /opt/python
echo "$1" > /opt/python/VERSION
cat "$2" > /opt/python/PACKAGES
