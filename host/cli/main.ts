#!/usr/bin/env node
// host/cli/main.ts: the command line.
/**
 * @module
 */
import { enableCompileCache } from "./compile_cache.ts";

// First of all: what is loaded from here on can come from the cache.
enableCompileCache();
const { run } = await import("./run.ts");
await run();
