# 1: leave the login prompts on the console. There is no password to log in with unless another element sets one.
export COFFER_GUEST_CONSOLE_LOGIN=${COFFER_GUEST_CONSOLE_LOGIN:-0}
# Boot messages cost time on an emulated serial line; the journal and dmesg hold them all. TERM=dumb keeps systemd from
# asking the console's terminal what it is, and from waiting for an answer that a log file never gives.
export DIB_BOOTLOADER_DEFAULT_CMDLINE=${DIB_BOOTLOADER_DEFAULT_CMDLINE:-"quiet nomodeset net.ifnames=0 TERM=dumb"}

# With sysprep: an empty machine-id, see cleanup.d/95-guest-identity.
export DIB_MACHINE_ID=empty
