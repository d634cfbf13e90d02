// host/platform/detect.ts: which runtime this is.
/**
 * @module
 */
import process from "node:process";
import { DenoPlatform } from "./deno.ts";
import type { Platform } from "./mod.ts";
import { NodePlatform } from "./node.ts";

let detected: Platform | null = null;

/** The platform of the runtime that runs this code; always the same object in one thread. */
export function detectPlatform(): Platform {
  return detected ??= process.versions["deno"] === undefined ? new NodePlatform() : new DenoPlatform();
}
