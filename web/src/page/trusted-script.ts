/**
 * The page's own scripts that run outside of it (workers, the service worker): with Trusted Types on, a browser takes their
 * addresses only from a policy, and takes the policy's name once. See the Content-Security-Policy in `src/server/routes/web.ts`.
 */
type TrustedTypes = {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
};

const ownScript = /^\/(?:assets\/[\w.-]+|service-worker)\.js$/;
let policy: { createScriptURL(url: string): string } | undefined;

/** @throws where it is no script of the page's own */
export function trustedScript(url: string): string {
  if (!ownScript.test(url) && !import.meta.env.DEV) throw new Error('not a script of this page');
  const factory = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (factory === undefined) return url;
  policy ??= factory.createPolicy('duanyun', { createScriptURL: (own) => own });
  return policy.createScriptURL(url);
}
