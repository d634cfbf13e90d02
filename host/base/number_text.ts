// host/base/number_text.ts: numbers as Envoy prints them.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */

/** C's `%g`: six significant digits, exponents of two digits. */
export function generalText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const rounded = Number(value.toPrecision(6));
  if (rounded !== 0 && (Math.abs(rounded) >= 1e6 || Math.abs(rounded) < 1e-4)) {
    return value.toExponential(5).replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(rounded);
}

/** What has 64 bits in Envoy: the largest of them stands for "no limit". */
export function countText(value: number): string {
  return value >= 2 ** 64 ? "18446744073709551615" : String(value);
}

/** A quantile: all digits, `nan` without samples. */
export function quantileText(value: number): string {
  return Number.isNaN(value) ? "nan" : String(value);
}
