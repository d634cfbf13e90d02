// host/testing/filter_build/build_lock.ts: one build of a filter at a time, over processes.
/**
 * Tests of one filter run in several processes at once; the second waits and finds the work done. The lock is a
 * socket that the builder listens on, and whoever waits is connected to it: the system closes it with the
 * process, however that ends, so a lock is never left behind. Should two processes hold it after all (both
 * found the socket file of a dead one), both build and write the same.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { platform, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Runs `work` while no other process runs work for the same `path`. */
export async function withBuildLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const address = lockAddress(path);
  let server = await listen(address);
  while (server === null) {
    await untilReleased(address);
    server = await listen(address);
  }
  try {
    return await work();
  } finally {
    server.release();
  }
}

/** A short name in the system's temporary folder: socket paths have room for about a hundred bytes. */
function lockAddress(path: string): string {
  const name = `nuncio-build-${createHash("sha256").update(resolve(path)).digest("hex").slice(0, 24)}`;
  return platform() === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/** The lock, or null when another process has it. */
async function listen(address: string): Promise<{ release(): void } | null> {
  const waiting = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    waiting.add(socket);
    socket.on("error", () => {});
  });
  server.listen(address);
  try {
    await once(server, "listening");
  } catch {
    return null;
  }
  return {
    release: () => {
      server.close();
      for (const socket of waiting) socket.destroy();
    },
  };
}

/** Settles when whoever has the lock lets it go; takes the socket file of a dead process away. */
async function untilReleased(address: string): Promise<void> {
  const socket = connect(address);
  let connected = false;
  socket.on("connect", () => connected = true);
  // A process that dies resets the connection; what matters is that it closes.
  socket.on("error", () => {});
  socket.resume();
  await new Promise((resolve) => socket.on("close", resolve));
  if (!connected) await rm(address, { force: true });
}
