# A stand-in: the real one would download and unpack ndk.
set -eu
mkdir -p /opt/ndk
echo "$1" > /opt/ndk/VERSION
