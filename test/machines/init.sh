#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a virtual machine: gives its one network card the address of the kernel's command line,
# ADDRESS=10.99.0.1/24. It then carries out lines of the serial console, `<number> <command>`, one after the other.
# Each answer is the output and a separate line, `@<number> <exit code>`; the start itself has number 0.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
# Without `-echo`, the console would repeat each command before its answer.
stty -echo

start() {
  while read -r module; do
    insmod "/modules/$module.ko" || return
  done </modules/order
  ip link set lo up && ip address add "$ADDRESS" dev eth0 && ip link set eth0 up
}

# Turns the machine off when its power button is pressed, as distributions do.
obey_power_button() {
  for device in /sys/class/input/event*; do
    [ "$(cat "$device/device/name")" = 'Power Button' ] || continue
    dd if="/dev/input/${device##*/}" of=/dev/null bs=64 count=1 2>/dev/null && poweroff -f
  done
}

start
started=$?
# The inner shell ends at once, so the function is not a job of this shell. A command that waits for all jobs (`wait`)
# would otherwise never end.
(obey_power_button &)
printf '\n@0 %s\n' "$started"
while read -r number command; do
  eval "$command" </dev/null 2>&1
  # The first \n starts a new line, even if the output of the command does not end with one.
  printf '\n@%s %s\n' "$number" "$?"
done
