// test/host/server/wasm_code/support.ts: archives, servers and a `WasmCode` on a clock that stands still.
/** @module */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import type { RemoteCodePlan, WasmCodePlan } from "../../../../host/extensions/common/wasm/plugin_plan.ts";
import { LogRegistry } from "../../../../host/observe/log.ts";
import { type CodeResult, WasmCode, type WasmCodeSettings } from "../../../../host/server/wasm_code/mod.ts";
import type { ClusterPlan } from "../../../../host/upstream/plan.ts";

/** What stands for a module; signatures need a real header. */
export const MODULE: Uint8Array = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, 3, 1, 0x78, 7]);

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export interface TarEntry {
  readonly path: string;
  readonly bytes?: Uint8Array;
  readonly type?: string;
  /** What the header says instead of the true size. */
  readonly size?: string;
  readonly prefix?: string;
}

/** One entry of a tar archive, with its padding. */
export function tarEntry({ path, bytes = new Uint8Array(0), type = "0", size, prefix = "" }: TarEntry): Uint8Array {
  const header = new Uint8Array(512);
  const put = (text: string, offset: number) => header.set(utf8(text), offset);
  put(path, 0);
  put("0000644\0", 100);
  put(size ?? `${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  put(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return concat(header, bytes, new Uint8Array((512 - bytes.length % 512) % 512));
}

export function tar(...entries: readonly TarEntry[]): Uint8Array {
  return concat(...entries.map(tarEntry), new Uint8Array(1024));
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An HTTP server on loopback that remembers what it was asked. */
export class TestServer {
  readonly #server: Server;
  /** `GET /path`, in order. */
  readonly requests: string[] = [];
  readonly heads: IncomingMessage["headers"][] = [];
  handle: Handler;

  private constructor(handle: Handler) {
    this.handle = handle;
    this.#server = createServer(async (request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.heads.push(request.headers);
      response.on("error", () => {});
      let body = "";
      for await (const chunk of request) body += new TextDecoder().decode(chunk as Uint8Array);
      this.handle(request, response, body);
    });
  }

  static async start(
    handle: Handler = (_request, response) => void response.writeHead(404).end(),
  ): Promise<TestServer> {
    const server = new TestServer(handle);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface CodeWorldOptions {
  readonly settings?: Partial<WasmCodeSettings>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Waits between attempts end by themselves. */
  readonly skipsWaits?: boolean;
}

/** A `WasmCode` in a world of its own. */
export class CodeWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly code: WasmCode;
  log = "";
  /** The waits between attempts. */
  readonly waits: number[] = [];

  constructor({ settings, env = {}, files = {}, skipsWaits = true }: CodeWorldOptions = {}) {
    const logs = new LogRegistry({
      // Not the world's: the log has a timer of its own.
      clock: new ManualClock(),
      format: "json",
      level: "debug",
      destination: {
        write: (line) => {
          this.log += line;
          const wait = /"delay_ms":(\d+)/.exec(line);
          if (wait === null) return;
          this.waits.push(Number(wait[1]));
          // The timer is armed behind the line.
          if (skipsWaits) queueMicrotask(() => this.clock.advance(Number(wait[1])));
        },
      },
    });
    const ports = {
      clock: this.clock,
      random: new SeededRandom(1),
      env: (name: string) => env[name],
      readFile: (path: string) => {
        const found = files[path];
        if (found === undefined) return { ok: false, code: "ENOENT", message: "no such file" } as const;
        return { ok: true, bytes: typeof found === "string" ? utf8(found) : found } as const;
      },
    };
    const all = { publicKeys: [], insecureRegistries: new Set<string>(), cacheFolder: null, ...settings };
    this.code = new WasmCode(ports, all, logs.logger("wasm"));
  }

  load(plan: WasmCodePlan, clusters: readonly ClusterPlan[] = []): Promise<CodeResult> {
    return this.code.load(plan, clusters);
  }

  /** What a load that must fail says. */
  async failure(plan: WasmCodePlan, clusters: readonly ClusterPlan[] = []): Promise<string> {
    const result = await this.load(plan, clusters);
    if (result.ok) throw new Error("it was loaded");
    return result.message;
  }

  /** The bytes of a load that must succeed. */
  async bytes(plan: WasmCodePlan, clusters: readonly ClusterPlan[] = []): Promise<Uint8Array> {
    const result = await this.load(plan, clusters);
    if (!result.ok) throw new Error(result.message);
    return result.code.bytes;
  }
}

export const NO_RETRIES = { retries: 0, baseMs: 1000, maxMs: 10_000 } as const;

export function httpPlan(uri: string, parts: Partial<RemoteCodePlan> = {}): RemoteCodePlan {
  return { kind: "http", uri, cluster: null, timeoutMs: 5000, sha256: sha256(MODULE), retry: NO_RETRIES, ...parts };
}

export function ociPlan(uri: string, parts: Partial<RemoteCodePlan> = {}): RemoteCodePlan {
  return { kind: "oci", uri, cluster: null, timeoutMs: 5000, sha256: null, retry: NO_RETRIES, ...parts };
}

/** A cluster with hosts, as far as fetches look at it. */
export function clusterPlan(
  name: string,
  ...hosts: readonly { address: string; port: number; health?: string; priority?: number }[]
): ClusterPlan {
  const localities = hosts.map(({ priority = 0, health = "UNKNOWN", address, port }) => ({
    priority,
    endpoints: [{ address, port, health }],
  }));
  return { name, localities } as unknown as ClusterPlan;
}

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const RAW_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** The content of a registry: blobs by digest, manifests by digest and tag. */
export class Shelf {
  readonly blobs: Map<string, Uint8Array> = new Map();
  readonly manifests: Map<string, { readonly body: Uint8Array; readonly type: string }> = new Map();

  blob(bytes: Uint8Array, mediaType: string): { mediaType: string; digest: string; size: number } {
    const digest = `sha256:${sha256(bytes)}`;
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Keeps a manifest under its digest, which is the answer, and under a tag. */
  manifest(content: object, tag: string | null = null, type: string = OCI_MANIFEST): string {
    const body = utf8(JSON.stringify({ schemaVersion: 2, ...content }));
    const digest = `sha256:${sha256(body)}`;
    this.manifests.set(digest, { body, type });
    if (tag !== null) this.manifests.set(tag, { body, type });
    return digest;
  }

  /** An image of one layer. */
  image(layer: Uint8Array, layerType: string, tag: string | null = null): string {
    const config = this.blob(utf8("{}"), "application/vnd.oci.image.config.v1+json");
    return this.manifest({ config, layers: [this.blob(layer, layerType)] }, tag);
  }

  /** Answers as a registry does for the repository `team/guard`. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const [, kind, name] = /^\/v2\/team\/guard\/(manifests|blobs)\/(.+)$/.exec(request.url!) ?? [];
    const manifest = kind === "manifests" ? this.manifests.get(name!) : undefined;
    const blob = kind === "blobs" ? this.blobs.get(name!) : undefined;
    if (manifest !== undefined) response.writeHead(200, { "content-type": manifest.type }).end(manifest.body);
    else if (blob !== undefined) response.writeHead(200).end(blob);
    else response.writeHead(404).end(JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "not here" }] }));
  }
}
