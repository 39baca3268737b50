#!/bin/sh
set -eu
mkdir -p /opt/versions
echo "python $1" > /opt/versions/python
