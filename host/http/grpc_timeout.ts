// host/http/grpc_timeout.ts: the grpc-timeout header, read and written.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Timeout)
 * @see Envoy: source/common/grpc/common.cc Common::getGrpcTimeout, Common::toGrpcTimeout
 * @module
 */

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

/** Milliseconds, parts of one rounded up; null when the text is no timeout. */
export function parseGrpcTimeoutMs(text: string | null): number | null {
  const match = text === null ? null : /^([0-9]{1,8})([HMSmun])$/.exec(text);
  return match === null ? null : Math.ceil(Number(match[1]) * UNIT_MS[match[2]!]!);
}

/** At most eight digits, in the finest unit that fits. */
export function formatGrpcTimeout(ms: number): string {
  for (const unit of ["m", "S", "M"]) {
    const value = Math.trunc(ms / UNIT_MS[unit]!);
    if (value <= 99_999_999) return value + unit;
  }
  return Math.trunc(ms / UNIT_MS["H"]!) + "H";
}
