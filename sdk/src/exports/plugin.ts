// sdk/src/exports/plugin.ts: the callbacks that every plugin exports, whatever it filters.
import "../abort";
import { Body } from "../body";
import { Config } from "../config";
import { setCurrent } from "../context";
import { BufferType } from "../enums";
import { answerHttpCall, forgetHttpCalls } from "../http_call";
import { enterGuest, leaveGuest } from "../memory";
import { contextOf, createContext, deleteContext, isRoot, rootOf } from "../registry";
import { SharedQueue } from "../shared_queue";

export { proxy_on_memory_allocate } from "../memory";
// Older hosts look for `malloc` only.
export { proxy_on_memory_allocate as malloc } from "../memory";

/** Tells the host which ABI this module speaks; never called. */
export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_context_create(id: u32, parent: u32): void {
  enterGuest();
  setCurrent(id);
  createContext(id, parent);
  leaveGuest();
}

export function proxy_on_vm_start(id: u32, configSize: u32): u32 {
  enterGuest();
  setCurrent(id);
  // Some hosts start the VM before they make the root context, with an id that is not one.
  const accepted = isRoot(id) ? rootOf(id).onVmStart(new Config(BufferType.VmConfiguration, configSize)) : true;
  leaveGuest();
  return accepted;
}

export function proxy_on_configure(id: u32, configSize: u32): u32 {
  enterGuest();
  setCurrent(id);
  const accepted = rootOf(id).onConfigure(new Config(BufferType.PluginConfiguration, configSize));
  leaveGuest();
  return accepted;
}

export function proxy_on_tick(id: u32): void {
  enterGuest();
  setCurrent(id);
  rootOf(id).runTimers();
  leaveGuest();
}

export function proxy_on_queue_ready(id: u32, queue: u32): void {
  enterGuest();
  setCurrent(id);
  rootOf(id).onQueueReady(new SharedQueue(queue));
  leaveGuest();
}

export function proxy_on_foreign_function(id: u32, functionId: u32, argsSize: u32): void {
  enterGuest();
  setCurrent(id);
  rootOf(id).onForeignFunction(functionId, new Body(BufferType.CallData, argsSize).bytes());
  leaveGuest();
}

export function proxy_on_http_call_response(
  id: u32,
  token: u32,
  headerCount: u32,
  bodySize: u32,
  trailerCount: u32,
): void {
  enterGuest();
  setCurrent(id);
  answerHttpCall(token, headerCount, bodySize);
  leaveGuest();
}

export function proxy_on_done(id: u32): u32 {
  enterGuest();
  setCurrent(id);
  const context = contextOf(id);
  const finished = context !== null ? context.onDone() : true;
  leaveGuest();
  return finished;
}

export function proxy_on_log(id: u32): void {
  enterGuest();
  setCurrent(id);
  const context = contextOf(id);
  if (context !== null) context.onLog();
  leaveGuest();
}

export function proxy_on_delete(id: u32): void {
  enterGuest();
  setCurrent(id);
  if (isRoot(id)) forgetHttpCalls(id);
  deleteContext(id);
  leaveGuest();
}
