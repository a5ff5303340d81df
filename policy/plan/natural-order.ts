// SPDX-License-Identifier: Apache-2.0

/**
 * Orders names as a person counts: ens2 before ens10. Total: names that count alike (ens2, ens02) fall back to their
 * characters, so that a sort has one outcome whatever it starts from.
 */
export function compareNatural(left: string, right: string): number {
  const leftParts = left.match(/\d+|\D+/g) ?? [];
  const rightParts = right.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.min(leftParts.length, rightParts.length); index += 1) {
    const order = compareParts(leftParts[index] as string, rightParts[index] as string);
    if (order !== 0) return order;
  }
  return leftParts.length - rightParts.length || compareText(left, right);
}

/** Orders by UTF-16 code units: the same on every machine, unlike a locale's order. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Numbers by value: without leading zeros the longer one is greater, whatever its length. */
function compareParts(left: string, right: string): number {
  if (!/^\d/.test(left) || !/^\d/.test(right)) return compareText(left, right);
  const leftDigits = left.replace(/^0+(?=\d)/, '');
  const rightDigits = right.replace(/^0+(?=\d)/, '');
  return leftDigits.length - rightDigits.length || compareText(leftDigits, rightDigits);
}
