export DISTRO_NAME=debian
export DIB_RELEASE=${DIB_RELEASE:-bookworm}
export DIB_INIT_SYSTEM=systemd
export EFI_BOOT_DIR="EFI/debian"
export DIB_DEBIAN_COMPONENTS=${DIB_DEBIAN_COMPONENTS:-main}
export DIB_DEBIAN_COMPONENTS_WS=${DIB_DEBIAN_COMPONENTS//,/ }
# Empty means: what this host uses, else the bootstrap program's own choice.
export DIB_DISTRIBUTION_MIRROR=${DIB_DEBIAN_DISTRIBUTION_MIRROR:-${DIB_DISTRIBUTION_MIRROR:-}}

if [ -z "${DIB_APT_SOURCES_CONF:-}" ] && [ -n "$DIB_DISTRIBUTION_MIRROR" ]; then
    DIB_APT_SOURCES_CONF="default:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE $DIB_DEBIAN_COMPONENTS_WS"
    case $DIB_RELEASE in
        sid | unstable | experimental) ;;
        *)
            DIB_APT_SOURCES_CONF+=$'\n'"updates:deb $DIB_DISTRIBUTION_MIRROR $DIB_RELEASE-updates $DIB_DEBIAN_COMPONENTS_WS"
            # Security updates live elsewhere, and no rule leads from one address to the other.
            if [ -n "${DIB_DEBIAN_SECURITY_MIRROR:-}" ]; then
                DIB_APT_SOURCES_CONF+=$'\n'"security:deb $DIB_DEBIAN_SECURITY_MIRROR $DIB_RELEASE-security $DIB_DEBIAN_COMPONENTS_WS"
            fi
            ;;
    esac
fi
export DIB_APT_SOURCES_CONF=${DIB_APT_SOURCES_CONF:-}
