// host/extensions/common/wasm/grpc_service.ts: the message by which a guest may name where its gRPC calls go.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/core/v3/grpc_service.proto
 * @module
 */
import { WireReader, WireType } from "../../../api/wire_reader.ts";
import { NuncioError } from "../../../base/error.ts";

/** `envoy.config.core.v3.GrpcService`, as far as it is used. */
export interface GrpcServiceMessage {
  /** Of `envoy_grpc`; null where the target is another one. */
  readonly clusterName: string | null;
  readonly authority: string;
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly initialMetadata: readonly (readonly [string, string])[];
}

/** Reads the message; null when the bytes are none. */
export function parseGrpcService(bytes: Uint8Array): GrpcServiceMessage | null {
  let clusterName: string | null = null;
  let authority = "";
  let timeoutMs = 0;
  const initialMetadata: (readonly [string, string])[] = [];
  try {
    eachField(new WireReader(bytes, 0, bytes.length), {
      1: (envoyGrpc) => {
        clusterName = "";
        eachField(envoyGrpc.sub(), {
          1: (reader) => clusterName = reader.string(),
          2: (reader) => authority = reader.string(),
        });
      },
      3: (duration) => {
        eachField(duration.sub(), {
          1: (reader) => timeoutMs += Number(reader.uint64()) * 1000,
          2: (reader) => timeoutMs += reader.int32() / 1e6,
        });
      },
      5: (header) => {
        let key = "";
        let value = "";
        eachField(header.sub(), {
          1: (reader) => key = reader.string(),
          2: (reader) => value = reader.string(),
        });
        initialMetadata.push([key.toLowerCase(), value]);
      },
    });
  } catch (error) {
    if (error instanceof NuncioError) return null;
    throw error;
  }
  return { clusterName, authority, timeoutMs, initialMetadata };
}

/** Gives the fields with these numbers to their readers; others are skipped, and so are those of another wire type. */
function eachField(reader: WireReader, fields: Readonly<Record<number, (reader: WireReader) => void>>): void {
  while (!reader.done) {
    const tag = reader.uint32();
    const read = fields[tag >>> 3];
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new NuncioError("config/malformed-binary", "field number 0");
    if (read === undefined || (wireType !== WireType.Length && wireType !== WireType.Varint)) reader.skip(wireType);
    else read(reader);
  }
}
