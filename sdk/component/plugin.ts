// sdk/component/plugin.ts: what every component exports, whatever it filters.
import { proxy_on_configure, proxy_on_context_create, proxy_on_queue_ready, proxy_on_tick, proxy_on_vm_start } from "../src/exports/plugin";
import { configuration, ROOT, setConfiguration, setState } from "./state";
import { RESULT, takeUtf8 } from "./values";

export { cabi_realloc } from "./values";

export function plugin_configure(config: usize, units: usize): usize {
  setConfiguration(takeUtf8(config, units));
  setState(null);
  proxy_on_context_create(ROOT, 0);
  const accepted = proxy_on_vm_start(ROOT, 0) != 0 && proxy_on_configure(ROOT, configuration.byteLength) != 0;
  store<u8>(RESULT, accepted ? 0 : 1);
  // The reason was logged.
  store<usize>(RESULT, 2, 4);
  store<usize>(RESULT, 0, 8);
  return RESULT;
}

export function plugin_on_tick(): void {
  setState(null);
  proxy_on_tick(ROOT);
}

export function plugin_on_queue(queue: u32): void {
  setState(null);
  proxy_on_queue_ready(ROOT, queue);
}
