# 0: images with everything that their packages hold. It is the default of the older switches, each of which still decides
# for itself when it is set.
export COFFER_SLIM=${COFFER_SLIM:-1}
case $COFFER_SLIM in
    1) ;;
    0)
        export COFFER_KEEP_DOCS=${COFFER_KEEP_DOCS:-1}
        export COFFER_TRIM_KERNEL=${COFFER_TRIM_KERNEL:-0}
        export DIB_COFFER_KEEP_ALL=${DIB_COFFER_KEEP_ALL:-1}
        ;;
    *)
        echo "COFFER_SLIM is 1 (the default) or 0, not '$COFFER_SLIM'" >&2
        exit 1
        ;;
esac
