# A stand-in for gigabytes of CUDA $1 and cuDNN $2.
set -eu
mkdir -p /opt/cuda
echo "$1 $2" > /opt/cuda/VERSION
