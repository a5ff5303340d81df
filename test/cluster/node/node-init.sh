#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a node, in separate mount, process and host name namespaces: node-init.sh FOLDER NAME. Lays the machine's
# file system out so that several nodes do not meet in it, and then waits for its end. All of the node ends with it.
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

# The node has a separate /etc (CNI's configurations), /opt (its programs) and /var.
for tree in etc opt var; do
  mkdir -p "$folder/trees/$tree/upper" "$folder/trees/$tree/work"
  mount -t overlay node -o "lowerdir=/$tree,upperdir=$folder/trees/$tree/upper,workdir=$folder/trees/$tree/work" "/$tree"
done
# The machine's mounts in /run would only be hidden: containerd, which looks for mounts by their paths, would use them
# by mistake.
while umount --recursive --lazy /run/netns 2>/dev/null; do :; done
# Shared, since pods' volumes are to see what is mounted there later: network namespaces of pods, volumes of others.
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run
mkdir -p /run/netns /run/lock /var/lib/kubelet "$folder/kubelet"
mount --bind "$folder/kubelet" /var/lib/kubelet
mount --make-rshared /var/lib/kubelet

: >"$folder/ready"
# Processes that lose their parent become children of this one: ignored ones do not stay as zombies.
trap '' CHLD
exec sleep infinity
