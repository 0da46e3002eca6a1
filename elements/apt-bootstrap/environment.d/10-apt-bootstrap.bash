# Packages that the bootstrap brings along, besides dpkg's "required" ones; elements append to it in files that sort later.
export COFFER_BOOTSTRAP_PACKAGES=${COFFER_BOOTSTRAP_PACKAGES:-}
# The lists fetched by the bootstrap stay in the tree until cleanup.d.
export COFFER_APT_LISTS_FRESH=1
export DIB_DEBOOTSTRAP_DEFAULT_LOCALE=${DIB_DEBOOTSTRAP_DEFAULT_LOCALE:-C.UTF-8}
export DIB_NETWORK_INTERFACE_NAMES=${DIB_NETWORK_INTERFACE_NAMES:-eth0 eth1}
