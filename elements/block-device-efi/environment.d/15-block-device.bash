# Sourced before every phase: refuses machines this disk cannot boot, and tells boot loader elements which one it is.

case "${ARCH:-}" in
    ppc64 | ppc64le | ppc64el)
        echo "block-device-efi does not work on $ARCH: use block-device-gpt or block-device-mbr"
        exit 1
        ;;
esac

export DIB_BLOCK_DEVICE=efi
