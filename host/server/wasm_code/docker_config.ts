// host/server/wasm_code/docker_config.ts: credentials for registries, from the file that `docker login` writes.
/**
 * @see https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md
 * @module
 */
import { join } from "node:path";
import { utf8Slice } from "../../base/bytes.ts";
import type { FileRead } from "../../platform/mod.ts";

export type RegistryCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly user: string; readonly password: string }
  /** Exchanged for a token at the token server. */
  | { readonly kind: "refresh"; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

export interface FoundCredentials {
  readonly credentials: RegistryCredentials;
  /** For error messages: why there are none that can be used; null when nothing is to be said. */
  readonly note: string | null;
}

export interface DockerConfigPort {
  env(name: string): string | undefined;
  readFile(path: string): FileRead;
}

const NONE: RegistryCredentials = { kind: "none" };
const DOCKER_HUB = "docker.io";
/** The key under which `docker login` keeps those of Docker Hub. */
const DOCKER_HUB_KEY = "index.docker.io";

/** The credentials for a registry, in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. */
export function findCredentials(port: DockerConfigPort, registry: string): FoundCredentials {
  const home = port.env("HOME") ?? port.env("USERPROFILE");
  const given = port.env("DOCKER_CONFIG");
  const folder = given !== undefined && given !== "" ? given : home === undefined ? null : join(home, ".docker");
  if (folder === null) return { credentials: NONE, note: null };
  const path = join(folder, "config.json");
  const file = port.readFile(path);
  if (!file.ok) {
    const note = file.code === "ENOENT" ? null : `${path} cannot be read: ${file.message}`;
    return { credentials: NONE, note };
  }
  const config = parseObject(utf8Slice(file.bytes, 0, file.bytes.length));
  if (config === null) return { credentials: NONE, note: `${path} is not JSON` };
  const name = registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry;
  for (const [key, value] of Object.entries(objectOf(config["auths"]))) {
    if (hostOf(key) !== name) continue;
    const credentials = readEntry(objectOf(value));
    if (credentials.kind !== "none") return { credentials, note: null };
  }
  const helper = objectOf(config["credHelpers"])[registry] ?? config["credsStore"];
  return {
    credentials: NONE,
    note: typeof helper === "string" && helper !== ""
      ? `${path} leaves credentials to docker-credential-${helper}, which is not run: write them to its auths`
      : null,
  };
}

function readEntry(entry: Readonly<Record<string, unknown>>): RegistryCredentials {
  const text = (name: string): string => typeof entry[name] === "string" ? entry[name] : "";
  if (text("registrytoken") !== "") return { kind: "bearer", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "refresh", token: text("identitytoken") };
  if (text("username") !== "") return { kind: "basic", user: text("username"), password: text("password") };
  let pair = "";
  try {
    pair = new TextDecoder().decode(Uint8Array.from(atob(text("auth")), (char) => char.charCodeAt(0)));
  } catch {
    return NONE;
  }
  const colon = pair.indexOf(":");
  if (colon <= 0) return NONE;
  return { kind: "basic", user: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, "") };
}

/** `https://index.docker.io/v1/` → `index.docker.io`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
