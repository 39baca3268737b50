#!/bin/sh
# A stand-in for an installer: notes down what would be installed.
set -eu
mkdir -p /opt/versions
echo "$2" > "/opt/versions/$1"
