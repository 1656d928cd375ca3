/** The page's side of its service worker: it is registered once the page stands, and a new version is loaded when asked. */
import { trustedScript } from '../page/trusted-script.ts';

/** How often an open page looks for a newer one. */
const lookMs = 60 * 60_000;

export class OfflinePage {
  #waiting: ServiceWorker | undefined;
  readonly #listeners = new Set<() => void>();

  /** `false`: this browser or this address has no service workers. */
  readonly #isRegistered: Promise<boolean>;

  constructor() {
    const canBe = 'serviceWorker' in navigator && isSecureContext && !import.meta.env.DEV;
    this.#isRegistered = canBe ? this.#register() : Promise.resolve(false);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A newer version of the page is here, whole, and waits. */
  readonly hasNewVersion = (): boolean => this.#waiting !== undefined;

  /** Other tabs go on with the version that they have. */
  loadNewVersion(): void {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    this.#waiting?.postMessage('skip-waiting');
  }

  /** Keeps the engine's own files too; resolves when they are here. Without a service worker the browser's cache has them. */
  async keepEngine(): Promise<void> {
    if (!(await this.#isRegistered)) return;
    const { active } = await navigator.serviceWorker.ready;
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', () => resolve(), { once: true });
      port1.start();
      active?.postMessage('keep-engine', [port2]);
    });
  }

  async #register(): Promise<boolean> {
    // After the page: its own files come first.
    if (document.readyState !== 'complete') {
      await new Promise((resolve) => {
        addEventListener('load', resolve, { once: true });
      });
    }
    try {
      const registration = await navigator.serviceWorker.register(trustedScript('/service-worker.js'), {
        updateViaCache: 'none',
      });
      const look = (): void => {
        const { waiting } = registration;
        // Without a page before it, a waiting worker is about to take over by itself.
        if (waiting !== null && navigator.serviceWorker.controller !== null) this.#found(waiting);
      };
      look();
      registration.addEventListener('updatefound', () =>
        registration.installing?.addEventListener('statechange', look),
      );
      setInterval(() => void registration.update().catch(() => {}), lookMs);
      return true;
    } catch {
      // A page without it works while the server does.
      return false;
    }
  }

  #found(waiting: ServiceWorker): void {
    this.#waiting = waiting;
    for (const listener of this.#listeners) listener();
  }
}

export const offlinePage = new OfflinePage();
