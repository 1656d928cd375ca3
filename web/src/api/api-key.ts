/**
 * The key of a server that asks for one. It lives in this page's memory; for this tab's life it is kept only where the
 * user asked for that. It is never written to storage that outlives the tab.
 */
const place = 'duanyun-key';
let key: string | undefined = stored();

export function currentKey(): string | undefined {
  return key;
}

/** @param keepForTab also survives a reload of this tab */
export function setKey(value: string | undefined, keepForTab: boolean): void {
  key = value === '' ? undefined : value;
  try {
    if (keepForTab && key !== undefined) sessionStorage.setItem(place, key);
    else sessionStorage.removeItem(place);
  } catch {
    // Storage may be switched off; the key is then kept in memory only.
  }
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(place) ?? undefined;
  } catch {
    return undefined;
  }
}
