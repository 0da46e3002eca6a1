#!/bin/bash
# Runs hook scripts in a throw-away copy of this machine's root file system, in a mount namespace of its own.
#
#   in-chroot.sh WORK HOOKS BEFORE [SCRIPT...]
#
# WORK/seed is laid over the root first; what the scripts changed is left in WORK/changes; HOOKS appears read-only at
# /tmp/in_target.d, as in a build; BEFORE is shell text that runs inside first.
set -eu

work=$1
hooks=$2
before=$3
shift 3

rm -rf --one-file-system -- "${work:?}/changes"
mkdir -p "$work/seed" "$work/layer" "$work/changes"
mount -t tmpfs tmpfs "$work/layer"
mkdir "$work/layer/upper" "$work/layer/scratch" "$work/layer/root"
root=$work/layer/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/scratch" "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir "$root/tmp/in_target.d"
mount --bind "$hooks" "$root/tmp/in_target.d"
mount -o remount,ro,bind "$root/tmp/in_target.d"
cp -a "$work/seed/." "$root/"

inside() {
    chroot "$root" /usr/bin/env HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
status=0
inside bash -euc "$before" || status=$?
for script in "$@"; do
    [ "$status" -eq 0 ] || break
    inside "/tmp/in_target.d/$script" || status=$?
done
cp -a "$work/layer/upper/." "$work/changes/"
exit "$status"
