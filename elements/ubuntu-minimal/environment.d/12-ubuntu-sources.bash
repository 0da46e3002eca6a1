if [ -z "${DIB_APT_SOURCES_CONF:-}" ] && [ -n "$DIB_DISTRIBUTION_MIRROR" ]; then
    DIB_APT_SOURCES_CONF="default:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE ${DIB_DEBIAN_COMPONENTS//,/ }"
    for dist in ${DIB_UBUNTU_MIRROR_DISTS//,/ }; do
        DIB_APT_SOURCES_CONF+=$'\n'"$dist:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE-$dist ${DIB_DEBIAN_COMPONENTS//,/ }"
    done
fi
export DIB_APT_SOURCES_CONF=${DIB_APT_SOURCES_CONF:-}
export COFFER_BOOTSTRAP_PACKAGES="${COFFER_BOOTSTRAP_PACKAGES:-} systemd-sysv libseccomp2 libkmod2 netbase ca-certificates lsb-release adduser"
