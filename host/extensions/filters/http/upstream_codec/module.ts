// host/extensions/filters/http/upstream_codec/module.ts: makes the last filter of an attempt's chain.
/** @module */
import type { HttpFilterModule } from "../../../define.ts";
import { UpstreamCodecFilter } from "./filter.ts";

export const module: HttpFilterModule = {
  create: () => (stream) => new UpstreamCodecFilter(stream, stream.upstream!),
};
