# Sourced before every phase: refuses machines this disk cannot boot, and tells boot loader elements that it starts from both firmwares.

case "${ARCH:-}" in
    ppc64 | ppc64le | ppc64el)
        echo "block-device-hybrid does not work on $ARCH: use block-device-gpt or block-device-mbr"
        exit 1
        ;;
esac

export DIB_BLOCK_DEVICE=efi
