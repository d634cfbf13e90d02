// host/upstream/conn_pool/client_codec.ts: the codec that a cluster's connections speak.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/codec_client.cc CodecClientProd
 * @module
 */
import { Http1ClientCodec } from "../../http/h1/client.ts";
import { Http2ClientCodec } from "../../http/h2/client.ts";
import { HTTP2_CLIENT_DEFAULTS } from "../../http/h2/options.ts";
import type { ClientCodecFactory } from "./active_client.ts";

export const createClientCodec: ClientCodecFactory = (connection, callbacks, plan, cluster) => {
  if (plan.protocol === "HTTP/1.1") return new Http1ClientCodec(connection, callbacks, plan.http1);
  const limitBytes = cluster.plan.perConnectionBufferLimitBytes;
  const options = {
    ...HTTP2_CLIENT_DEFAULTS,
    ...plan.http2,
    maxHeadersBytes: plan.http1.maxResponseHeadersBytes,
    maxHeadersCount: plan.http1.maxResponseHeadersCount,
    bufferLimitBytes: limitBytes > 0 ? limitBytes : Infinity,
  };
  return new Http2ClientCodec(connection, callbacks, options, cluster.stats.http2, cluster);
};
