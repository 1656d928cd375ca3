/**
 * Reads GLM-4.5's notation: the name, then `<arg_key>k</arg_key><arg_value>v</arg_value>` for each argument. A value is JSON, but
 * a string is written bare; where the tool's schema says that a parameter is a string, it is passed on as it comes.
 */
import type { JsonSchema, ToolDefinition } from '../../../core/chat.ts';
import { findMarker } from './marker-search.ts';
import { isObject } from './schema-merge.ts';
import type { ReadResult, ToolCallReader } from './tool-call-reader.ts';
import { callEnd } from './tool-call-reader.ts';

const keyStart = '<arg_key>';
const valueEnd = '</arg_value>';
const nameAndMore = /^\s*([^\s<{]{1,200})\s*(<[\s\S]*)$/;
const beginningOfName = /^\s*[^\s<{]{0,200}\s*$/;
const keyToValue = /^<arg_key>([^<]*)<\/arg_key>\s*<arg_value>/;
const beginningOfKey = /^<arg_key>[^<]*(<\/arg_key>\s*|)$/;

export class GlmCallReader implements ToolCallReader {
  readonly #definitions: readonly ToolDefinition[];
  #phase: 'name' | 'key' | 'string' | 'value' = 'name';
  #name = '';
  #count = 0;

  constructor(definitions: readonly ToolDefinition[]) {
    this.#definitions = definitions;
  }

  read(text: string, isEnd: boolean): ReadResult {
    switch (this.#phase) {
      case 'name':
        return this.#readName(text, isEnd);
      case 'key':
        return this.#readKey(text, isEnd);
      case 'string':
        return this.#readString(text, isEnd);
      case 'value':
        return this.#readValue(text, isEnd);
    }
  }

  #readName(text: string, isEnd: boolean): ReadResult {
    const match = nameAndMore.exec(text);
    const rest = match?.[2] ?? '';
    const starts = [keyStart, callEnd];
    if (match !== null && starts.some((mark) => rest.startsWith(mark))) {
      this.#phase = 'key';
      this.#name = match[1] ?? '';
      const consumed = text.length - rest.length;
      return { deltas: [{ name: this.#name, arguments: '' }], consumed, state: 'more' };
    }
    const isOpen = beginningOfName.test(text) || (match !== null && starts.some((mark) => mark.startsWith(rest)));
    return { deltas: [], consumed: 0, state: isOpen && !isEnd ? 'more' : 'malformed' };
  }

  #readKey(text: string, isEnd: boolean): ReadResult {
    const blanks = /^\s*/.exec(text)?.[0].length ?? 0;
    const rest = text.slice(blanks);
    const match = keyToValue.exec(rest);
    if (match !== null) {
      const key = match[1] ?? '';
      this.#phase = this.#isString(key) ? 'string' : 'value';
      const quote = this.#phase === 'string' ? '"' : '';
      const start = `${this.#count++ === 0 ? '{' : ', '}${JSON.stringify(key)}: ${quote}`;
      return { deltas: [{ arguments: start }], consumed: blanks + match[0].length, state: 'more' };
    }
    if (rest.startsWith(callEnd)) return this.#close(blanks + callEnd.length, true);
    const isOpen =
      callEnd.startsWith(rest) || keyStart.startsWith(rest) || beginningOfKey.test(rest) || endsInMark(rest);
    if (isOpen && !isEnd) return { deltas: [], consumed: 0, state: 'more' };
    // What is left of a mark that was cut off is no text; anything else goes on as text.
    const isCutMark = callEnd.startsWith(rest) || keyStart.startsWith(rest);
    return this.#close(isCutMark ? text.length : blanks, false);
  }

  #close(consumed: number, isClosed: boolean): ReadResult {
    return { deltas: [{ arguments: this.#count === 0 ? '{}' : '}' }], consumed, state: 'done', isClosed };
  }

  #readString(text: string, isEnd: boolean): ReadResult {
    const search = findMarker(text, [valueEnd], isEnd);
    if (search.found) {
      this.#phase = 'key';
      const deltas = [{ arguments: `${escaped(text.slice(0, search.at))}"` }];
      return { deltas, consumed: search.at + valueEnd.length, state: 'more' };
    }
    // Half of a surrogate pair waits for its other half: alone it would be written as an escape.
    const isHalf = !isEnd && /[\ud800-\udbff]$/.test(text.slice(0, search.safe));
    const consumed = search.safe - (isHalf ? 1 : 0);
    const deltas = consumed === 0 ? [] : [{ arguments: escaped(text.slice(0, consumed)) }];
    return { deltas, consumed, state: isEnd ? 'done' : 'more', isClosed: false };
  }

  #readValue(text: string, isEnd: boolean): ReadResult {
    const end = text.indexOf(valueEnd);
    if (end >= 0) {
      this.#phase = 'key';
      return { deltas: [{ arguments: asJson(text.slice(0, end)) }], consumed: end + valueEnd.length, state: 'more' };
    }
    if (!isEnd) return { deltas: [], consumed: 0, state: 'more' };
    return { deltas: [{ arguments: text }], consumed: text.length, state: 'done', isClosed: false };
  }

  #isString(key: string): boolean {
    return isStringParameter(this.#definitions.find((tool) => tool.name === this.#name)?.parameters, key);
  }
}

/** Whether the schema says that this argument can only be a string. */
export function isStringParameter(parameters: JsonSchema | undefined, key: string): boolean {
  if (!isObject(parameters) || !isObject(parameters['properties'])) return false;
  const { properties } = parameters;
  const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (!isObject(schema)) return false;
  if (schema['type'] !== undefined) return schema['type'] === 'string';
  const values = Array.isArray(schema['enum']) ? schema['enum'] : [schema['const']];
  return values.length > 0 && values.every((value) => typeof value === 'string');
}

/** `</arg_key>` or `<arg_value>` begun and not finished. */
function endsInMark(rest: string): boolean {
  const match = /^<arg_key>[^<]*(<[^>]*)$/.exec(rest) ?? /^<arg_key>[^<]*<\/arg_key>\s*(<[^>]*)$/.exec(rest);
  const mark = match?.[1];
  return mark !== undefined && ('</arg_key>'.startsWith(mark) || '<arg_value>'.startsWith(mark));
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The value as JSON text: itself when it is JSON, else a string. */
function asJson(text: string): string {
  try {
    JSON.parse(text);
    return text.trim();
  } catch {
    return JSON.stringify(text);
  }
}
