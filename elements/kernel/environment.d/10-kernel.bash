# Empty: the distribution's kernel for all machines.
export COFFER_KERNEL_PACKAGE=${COFFER_KERNEL_PACKAGE:-}
# 1: leave out the modules that no virtual machine needs.
export COFFER_TRIM_KERNEL=${COFFER_TRIM_KERNEL:-1}
