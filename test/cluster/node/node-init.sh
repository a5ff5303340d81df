#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a node, in mount, process and host name namespaces of its own: node-init.sh FOLDER NAME. Lays the machine's
# file system out so that several nodes do not meet in it, and then waits for its end, with which everything of the node
# ends.
set -eu
folder=$1
name=$2
hostname "$name"

# A fresh sysfs, so that /sys/class/net is this namespace's; the control groups stay where they are.
mkdir -p "$folder/cgroups"
mount --rbind /sys/fs/cgroup "$folder/cgroups"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroups" /sys/fs/cgroup
umount -R "$folder/cgroups"

# What a node writes to /etc (CNI's configurations), /opt (its programs) and /var is its own.
for tree in etc opt var; do
  mkdir -p "$folder/trees/$tree/upper" "$folder/trees/$tree/work"
  mount -t overlay node -o "lowerdir=/$tree,upperdir=$folder/trees/$tree/upper,workdir=$folder/trees/$tree/work" "/$tree"
done
# What the machine has mounted in its /run would only be hidden: containerd, which looks for mounts by their paths, would
# take it for what is there.
while umount --recursive --lazy /run/netns 2>/dev/null; do :; done
# Shared, since pods' volumes are to see what is mounted there later: network namespaces of pods, volumes of others.
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run
mkdir -p /run/netns /run/lock /var/lib/kubelet "$folder/kubelet"
mount --bind "$folder/kubelet" /var/lib/kubelet
mount --make-rshared /var/lib/kubelet

: >"$folder/ready"
# Whoever loses its parent becomes a child of this process: ignored ones do not stay as zombies.
trap '' CHLD
exec sleep infinity
