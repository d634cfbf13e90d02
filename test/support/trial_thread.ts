// test/support/trial_thread.ts: one thread that tries the modules of many proxies, which follow each other.
/**
 * Each proxy starts a thread for it, and throws it away. Of a proxy inside the test's process that is most of the
 * start; what is tried leaves nothing behind in the thread.
 *
 * @module
 */
import type { WorkerHandle } from "../../host/platform/mod.ts";

type Handle = WorkerHandle<unknown, unknown>;

interface Listeners {
  message(message: unknown): void;
  error(error: Error): void;
  exit(code: number): void;
}

const NOBODY: Listeners = { message() {}, error() {}, exit() {} };

/** A thread that nobody uses now. */
let idle: TrialThread | null = null;

/** The thread that another proxy is done with, or a new one. */
export function lendTrialThread(spawn: () => Handle): Handle {
  const thread = idle ?? new TrialThread(spawn());
  idle = null;
  return thread.lend();
}

class TrialThread {
  readonly #thread: Handle;
  #user: Listeners = NOBODY;
  /** Modules that are being tried. */
  #open = 0;

  constructor(thread: Handle) {
    this.#thread = thread;
    thread.onMessage((message) => {
      this.#open--;
      this.#user.message(message);
    });
    thread.onError((error) => this.#user.error(error));
    thread.onExit((code) => {
      if (idle === this) idle = null;
      this.#user.exit(code);
    });
  }

  lend(): Handle {
    const user: Listeners = { ...NOBODY };
    this.#user = user;
    this.#thread.keepAlive(true);
    return {
      post: (message, transfer) => {
        this.#open++;
        this.#thread.post(message, transfer);
      },
      onMessage: (callback) => user.message = callback,
      onError: (callback) => user.error = callback,
      onExit: (callback) => user.exit = callback,
      terminate: () => this.#giveBack(),
      keepAlive: (keep) => this.#thread.keepAlive(keep),
    };
  }

  async #giveBack(): Promise<void> {
    // One that is in the middle of something is of no use to others.
    if (this.#open > 0 || idle !== null) return await this.#thread.terminate();
    const user = this.#user;
    this.#user = NOBODY;
    this.#thread.keepAlive(false);
    idle = this;
    user.exit(0);
  }
}
