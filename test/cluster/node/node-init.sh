#!/bin/sh
# Process 1 of a node, in separate mount, process and host name namespaces: node-init.sh FOLDER NAME. Replaces the parts
# of the machine's file system that nodes must not share, and then waits until it is killed. The kernel then ends all
# processes of the node.
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
# Removes the machine's mounts in /run/netns. Below the new tmpfs, they would only be hidden: containerd finds mounts by
# their paths, and would use them by mistake.
while umount --recursive --lazy /run/netns 2>/dev/null; do :; done
# Shared, so that mounts that are made later also appear in pods' volumes: network namespaces, and other pods' volumes.
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run
mkdir -p /run/netns /run/lock /var/lib/kubelet "$folder/kubelet"
mount --bind "$folder/kubelet" /var/lib/kubelet
mount --make-rshared /var/lib/kubelet

: >"$folder/ready"
# Processes whose parent ends become children of this process. It ignores SIGCHLD, so they do not stay as zombies.
trap '' CHLD
exec sleep infinity
