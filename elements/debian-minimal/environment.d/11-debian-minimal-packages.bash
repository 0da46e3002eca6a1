# What elements written for this base system have always found in it, in one transaction with the bootstrap.
# systemd names some libraries as recommended only: without these two it drops its sandboxing and its module loader.
export COFFER_BOOTSTRAP_PACKAGES="${COFFER_BOOTSTRAP_PACKAGES:-} systemd-sysv libseccomp2 libkmod2 netbase ca-certificates lsb-release adduser"
