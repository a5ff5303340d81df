// SPDX-License-Identifier: Apache-2.0

/** Messages and attributes start at multiples of four: NLMSG_ALIGN and NLA_ALIGN, linux/netlink.h. */
export function align(length: number): number {
  return (length + 3) & ~3;
}
