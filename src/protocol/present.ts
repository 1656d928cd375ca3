/**
 * The same fields without those that are null or undefined. JSON clients send `null` for "not set"; inside, such a field
 * is absent.
 */
export function present<T extends object>(fields: { [Name in keyof T]: T[Name] | null | undefined }): T {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined) kept[name] = value;
  }
  return kept as T;
}
