// SPDX-License-Identifier: Apache-2.0

/** Suffixes as powers: binary ones of 2, decimal ones of 10. Source: apimachinery resource.Quantity, suffixer.go. */
const binary = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n } as const;
const decimal = { n: -9n, u: -6n, m: -3n, '': 0n, k: 3n, M: 6n, G: 9n, T: 12n, P: 15n, E: 18n } as const;

/** 18 digits on either side: more than any count of devices, and little enough to multiply out. */
const pattern = /^\+?(\d{1,18})(?:\.(\d{0,18}))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;

/**
 * A Kubernetes quantity as a whole number of devices: `"2"`, 2, `"1k"`, `"2000m"`, `"1e1"`. Undefined for what counts no
 * devices: a fraction, less than none, no quantity at all. An API server lets none of these through; a file may hold them.
 */
export function parseDeviceCount(quantity: unknown): number | undefined {
  const [, whole, fraction = '', suffix = '', exponent] = pattern.exec(toText(quantity)) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = BigInt(fraction.length);
  if (isBinary(suffix)) return toCount(digits << binary[suffix], 10n ** scale);
  const power = exponent === undefined ? decimal[suffix as keyof typeof decimal] : BigInt(exponent.replace('+', ''));
  return power >= scale ? toCount(digits * 10n ** (power - scale), 1n) : toCount(digits, 10n ** (scale - power));
}

function toText(quantity: unknown): string {
  return typeof quantity === 'string' || typeof quantity === 'number' ? String(quantity) : '';
}

function isBinary(suffix: string): suffix is keyof typeof binary {
  return Object.hasOwn(binary, suffix);
}

function toCount(numerator: bigint, denominator: bigint): number | undefined {
  if (numerator % denominator !== 0n) return undefined;
  const count = numerator / denominator;
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : undefined;
}
