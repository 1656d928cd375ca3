import type * as z from 'zod';
import { makeError } from '../core/errors.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * Checks `value` against a wire schema. Unknown fields are dropped.
 *
 * @throws `invalid_request` that names the first field at fault as `param` (`messages[0].content`) and says what it must
 * be. The message never quotes what the client sent.
 */
export function parseWire<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: expectation });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw makeError('invalid_request', { reason: 'The request is not valid.' });
  const { path, message } = mostSpecific(issue);
  throw refuse(formatPath(path), message);
}

/** An `invalid_request` for one field; `message` continues the sentence that the field's name begins. */
export function refuse(param: string, message: string): Error {
  if (param === '') return makeError('invalid_request', { reason: `The body ${message}.` });
  return makeError('invalid_request', { reason: `${param} ${message}.` }, { param });
}

/** `['messages', 0, 'content']` → `messages[0].content` */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? shorten(String(step)) : `.${shorten(String(step))}`;
  }
  return text;
}

/** Keys of a map are the client's own words and can be long. */
function shorten(step: string): string {
  return step.length <= 64 ? step : `${step.slice(0, 64)}…`;
}

/** Inside a union the branch that got furthest is the one the client meant. */
function mostSpecific(issue: Issue): { path: Path; message: string } {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path: issue.path, message: issue.message };
  const branches = issue.errors
    .flatMap((errors) => errors.slice(0, 1))
    .map((error) => mostSpecific(error))
    .sort((left, right) => right.path.length - left.path.length);
  const best = branches[0];
  if (best === undefined || best.path.length === 0) {
    const expected = new Set(issue.errors.flatMap((errors) => errors.slice(0, 1)).map(expectedType));
    return { path: issue.path, message: `must be ${[...expected].join(' or ')}` };
  }
  return { path: [...issue.path, ...best.path], message: best.message };
}

function expectedType(issue: Issue): string {
  return issue.code === 'invalid_type' ? article(issue.expected) : issue.message.replace(/^must be /, '');
}

const typeNames: Record<string, string> = {
  int: 'an integer',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
  boolean: 'true or false',
};

function article(type: string): string {
  return typeNames[type] ?? `a ${type}`;
}

/** What the field must be, as the end of a sentence. Schemas with an `error` of their own come first. */
function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${article(issue.expected)}`;
    case 'too_small':
      return sized(issue.origin, 'at least', issue.minimum, issue.inclusive === false ? 'greater than' : undefined);
    case 'too_big':
      return sized(issue.origin, 'at most', issue.maximum, issue.inclusive === false ? 'less than' : undefined);
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_format':
      return issue.pattern === undefined ? 'has the wrong form' : `must match ${issue.pattern}`;
    case 'invalid_key':
      return 'has a key of the wrong form';
    default:
      return 'is not valid';
  }
}

function sized(origin: string, comparison: string, limit: number | bigint, exclusive: string | undefined): string {
  const bound = `${exclusive ?? comparison} ${limit}`;
  if (origin === 'string') return limit === 1 ? 'must not be empty' : `must have ${bound} characters`;
  if (origin === 'array') return `must have ${bound} ${limit === 1 ? 'entry' : 'entries'}`;
  return `must be ${bound}`;
}
