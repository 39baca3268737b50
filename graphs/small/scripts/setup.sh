# A stand-in for what a real base would install.
set -eu
echo ready > /etc/setup-done
