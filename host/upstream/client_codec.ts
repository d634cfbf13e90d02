// host/upstream/client_codec.ts: the codec that a cluster's connections speak.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/codec_client.cc CodecClientProd
 * @module
 */
import { Http1ClientCodec } from "../http/h1/client.ts";
import type { ClientCodecFactory } from "./active_client.ts";

export const createClientCodec: ClientCodecFactory = (connection, callbacks, plan) =>
  new Http1ClientCodec(connection, callbacks, plan.http1);
