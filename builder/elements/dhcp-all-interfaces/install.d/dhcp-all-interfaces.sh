#!/bin/bash

if [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then
    set -x
fi
set -eu
set -o pipefail

# Writes a DHCP configuration for the named interface (all but lo without a name), unless it has one.

file=/etc/network/interfaces
timeout=@TIMEOUT@

# Several units may run at once.
exec 9<>"$file.lock"
flock 9

configured() {
    [ -n "$(ifquery "$1" 2>/dev/null || true)" ] || grep -Eq "^iface[[:space:]]+$1[[:space:]]" "$file"
}

has_link() {
    local left
    ip link set dev "$1" up || true
    for ((left = timeout; left > 0; left--)); do
        if [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null || echo 0)" = "1" ]; then
            return 0
        fi
        sleep 1
    done
    return 1
}

configure() {
    # 0 is a permanent address; 2 is one taken from another device, as VLANs do. Others are virtual devices.
    case "$(cat "/sys/class/net/$1/addr_assign_type")" in
        0|2) ;;
        *) echo "$1: generated MAC, skipping"; return 0 ;;
    esac
    if configured "$1"; then
        echo "$1: has a configuration, skipping"
    elif ! has_link "$1"; then
        echo "$1: no link detected, skipping"
    else
        printf 'auto %s\niface %s inet dhcp\n' "$1" "$1" >>"$file"
        # A router that announces itself: IPv6 too, with DHCPv6 where the router asks for it.
        if command -v rdisc6 >/dev/null && advice=$(rdisc6 --retry 3 --single "$1" 2>/dev/null); then
            if grep -q 'Stateful address conf.*Yes' <<<"$advice"; then
                printf 'iface %s inet6 dhcp\n' "$1" >>"$file"
            elif grep -q 'Stateful other conf.*Yes' <<<"$advice"; then
                printf 'iface %s inet6 auto\n    dhcp 1\n' "$1" >>"$file"
            else
                printf 'iface %s inet6 auto\n    dhcp 0\n' "$1" >>"$file"
            fi
        fi
        printf '\n' >>"$file"
        echo "$1: configured"
    fi
}

if [ "$#" -gt 0 ]; then
    configure "$1"
else
    for device in /sys/class/net/*; do
        [ "${device##*/}" = "lo" ] || configure "${device##*/}"
    done
fi
