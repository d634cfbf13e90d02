// host/extensions/filters/network/echo/module.ts: makes the echo filters of a chain.
/** @module */
import type { NetworkFilterModule } from "../../../define.ts";
import { createEcho } from "./filter.ts";

export const module: NetworkFilterModule = { halfClose: true, createTerminal: () => createEcho() };
