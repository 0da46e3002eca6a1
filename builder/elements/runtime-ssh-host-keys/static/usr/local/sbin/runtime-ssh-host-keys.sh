#!/bin/bash

if [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then
    set -x
fi
set -eu
set -o pipefail

# Makes the host keys that are missing, of every type the installed OpenSSH uses.
ssh-keygen -A
