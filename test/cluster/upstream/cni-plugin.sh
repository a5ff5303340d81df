#!/bin/sh
# Plays macvtap-cni's CNI plugin, as far as pods and nodes can see it. Moves the device's link into the pod, and deletes
# it there. start-upstream.ts replaces LINKS with a folder. It has a file for each device, which contains the name of
# the device's link.
set -e
configuration=$(cat)
device=$(echo "$configuration" | sed -n 's/.*"deviceID": *"\([^"]*\)".*/\1/p')
netns=$(basename "$CNI_NETNS")
case $CNI_COMMAND in
  ADD)
    link=$(cat "LINKS/$device")
    index=$(cat "/sys/class/net/$link/ifindex")
    ip link set dev "$link" netns "$netns"
    ip -n "$netns" link set dev "$link" name "$CNI_IFNAME"
    ip -n "$netns" link set dev "$CNI_IFNAME" up
    chown 107:107 "/dev/tap$index"
    echo "{\"cniVersion\":\"0.3.1\",\"interfaces\":[{\"name\":\"$CNI_IFNAME\",\"sandbox\":\"$CNI_NETNS\"}]}"
    ;;
  DEL) ip -n "$netns" link delete dev "$CNI_IFNAME" ;;
  VERSION) echo '{"cniVersion":"0.3.1","supportedVersions":["0.3.0","0.3.1"]}' ;;
esac
