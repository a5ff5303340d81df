// SPDX-License-Identifier: Apache-2.0

/** Whether a version comes before another one by its numbers; what is no version comes before none. */
export function isOlder(left: string, right: string): boolean {
  const [mine, other] = [numbersOf(left), numbersOf(right)];
  if (mine === undefined || other === undefined) return false;
  const at = mine.findIndex((number, index) => number !== other[index]);
  return at >= 0 && (mine[at] ?? 0) < (other[at] ?? 0);
}

/** Undefined where there is none. */
export function newestOf(versions: readonly string[]): string | undefined {
  return versions.reduce<string | undefined>(
    (newest, version) => (newest === undefined || isOlder(newest, version) ? version : newest),
    undefined,
  );
}

function numbersOf(version: string): readonly number[] | undefined {
  return /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(version)
    ?.slice(1)
    .map((digits) => Number(digits));
}
