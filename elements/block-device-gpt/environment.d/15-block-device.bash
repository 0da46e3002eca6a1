# Sourced before every phase: refuses machines this disk cannot boot, and tells boot loader elements which one it is.

case "${ARCH:-}" in
    arm64 | aarch64)
        echo "block-device-gpt does not work on $ARCH: its firmware boots from an EFI system partition; use block-device-efi"
        exit 1
        ;;
esac

export DIB_BLOCK_DEVICE=gpt
