// host/platform/deno.ts: the platform port on Deno: `node:` modules where they behave alike, Deno's own where not.
/**
 * The only file that names Deno.
 *
 * @module
 */
import { NodePlatform } from "./node.ts";

/** The part of Deno's namespace that is used here. */
interface DenoNamespace {
  readonly version: { readonly deno: string; readonly v8: string };
}

declare const Deno: DenoNamespace;

export class DenoPlatform extends NodePlatform {
  override readonly runtime = "deno";

  /** Deno ends a worker between two turns of its event loop only, whatever its promise says. */
  override readonly stopsBusyWorkers = false;

  override get runtimeVersion(): string {
    return Deno.version.deno;
  }

  override get v8Version(): string {
    return Deno.version.v8;
  }

  /** Deno keeps compiled code by itself. */
  override enableCompileCache(): boolean {
    return false;
  }
}
