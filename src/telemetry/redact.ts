/**
 * The last line of defence for the log: fields that could hold a key or something a person wrote are replaced by name,
 * and what looks like a key is replaced wherever it stands.
 */
const secretNames = /^(authorization|proxy-authorization|cookie|set-cookie|.*(api[-_]?key|secret|password|token))$/i;
const contentNames =
  /^(messages?|prompts?|content|text|inputs?|output|answer|completion|arguments|body|instructions|persona)$/i;
/** `msg` is pino's own; these count things and hold no secret. */
const keyPatterns: [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, '$1 [redacted]'],
  [/\b(sk|pk|hf|ghp|gho|xox[bap])[-_][A-Za-z0-9_-]{8,}/g, '[redacted]'],
];
const maxDepth = 6;

export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) return '[deep]';
  if (value instanceof Error) return redact(errorFields(value), depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, hidden(name, item) ? '[redacted]' : redact(item, depth + 1)]),
  );
}

export function redactText(text: string): string {
  return keyPatterns.reduce((result, [pattern, replacement]) => result.replaceAll(pattern, replacement), text);
}

/** Numbers and flags under such a name (`promptTokens: 12`, `text: true`) say nothing about what was written. */
function hidden(name: string, value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return false;
  return secretNames.test(name) || contentNames.test(name);
}

/** An error's own text stays under names that `redact` lets pass. */
function errorFields(error: Error): Record<string, unknown> {
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  return { name: error.name, code, reason: error.message, detail, stack: error.stack };
}
