#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a machine until its root file system is mounted. At the first start, copies the node's own files from the
# disk `machine` to the root: before systemd runs, because they name its network cards and its services.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs dev /dev
while read -r module; do $busybox insmod "/modules/$module"; done </modules/order
until root=$($busybox findfs LABEL=root) && seed=$($busybox findfs LABEL=machine); do $busybox sleep 0.1; done 2>/dev/null
$busybox mount -t ext4 "$root" /root || exec /bin/sh
if [ ! -e /root/etc/machine-seeded ]; then
  $busybox mount -t ext4 -o ro "$seed" /seed
  $busybox cp -a /seed/root/. /root/
  $busybox umount /seed
  : >/root/etc/machine-seeded
fi
$busybox mount --move /dev /root/dev
$busybox mount --move /proc /root/proc
$busybox mount --move /sys /root/sys
exec $busybox switch_root /root /sbin/init
