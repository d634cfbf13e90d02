// host/cli/compile_cache.ts: compiled code kept between starts.
/** @module */
import { detectPlatform } from "../platform/detect.ts";

export function enableCompileCache(): void {
  detectPlatform().enableCompileCache();
}
