/** The policy from its YAML file: checked at the start, read again when the file changes. */
import { readFileSync, statSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { checkPolicy, defaultPolicy, faultText, type Policy } from '../routing/policy.ts';

/** @throws `policy_invalid` with file, line and a hint */
export function parsePolicyText(text: string, file: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw makeError('policy_invalid', { reason: `${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message}` });
  }
  const checked = checkPolicy(document.toJS());
  if ('policy' in checked) return checked.policy;
  const line = lines.linePos(offsetOf(document, checked.fault.path)).line;
  throw makeError('policy_invalid', { reason: `${file}:${line}: ${faultText(checked.fault)}` });
}

/** Where the last key of a path stands that is in the file. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (isScalar(node) ? node.range?.[0] : undefined) ?? offset;
    } else return offset;
  }
  return offset;
}

/** The file's time is looked at once in so many milliseconds. */
const checkMs = 1000;

export class PolicyFile {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #policy: Policy;
  #changedMs: number;
  #checkedMs: number;

  /** @throws `policy_invalid` also where the file cannot be read */
  constructor(file: string, clock: Clock, log: Log) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#checkedMs = clock.now();
    this.#changedMs = changeTime(file);
    this.#policy = read(file);
  }

  /** A file that has become wrong changes nothing: the rules that were checked last still hold, and the log says so. */
  current(): Policy {
    const now = this.#clock.now();
    if (now - this.#checkedMs < checkMs) return this.#policy;
    this.#checkedMs = now;
    try {
      const changedMs = changeTime(this.#file);
      if (changedMs === this.#changedMs) return this.#policy;
      this.#changedMs = changedMs;
      this.#policy = read(this.#file);
      this.#log.info({ policy: this.#policy.id }, 'policy loaded');
    } catch (error) {
      this.#log.error({ detail: error instanceof Error ? error.message : String(error) }, 'policy not loaded');
    }
    return this.#policy;
  }
}

/** @param file `undefined` or empty: the default policy */
export function openPolicy(file: string | undefined, clock: Clock, log: Log): { current(): Policy } {
  return file === undefined || file === '' ? { current: () => defaultPolicy } : new PolicyFile(file, clock, log);
}

function changeTime(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch (cause) {
    throw makeError('policy_invalid', { reason: `${file} cannot be read` }, { cause });
  }
}

function read(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw makeError('policy_invalid', { reason: `${file} cannot be read` }, { cause });
  }
  return parsePolicyText(text, file);
}
