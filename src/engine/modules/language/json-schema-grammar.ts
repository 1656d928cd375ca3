/**
 * JSON Schema (2020-12 and the older forms in use) to GBNF, so that whatever a model writes under the grammar parses and fits.
 *
 * Stated rules:
 * - properties are written in the order of the schema; without `additionalProperties` only those named are written;
 * - a tuple (`prefixItems`) is written whole;
 * - `oneOf` means `anyOf`; without `type` the other keywords tell it; unknown `format`s and annotations are ignored;
 * - a keyword that a grammar cannot enforce is `unsupported_schema`, or ignored where the caller says so;
 * - white space is optional and bounded.
 */
import type { JsonObject, JsonSchema, JsonValue } from '../../../core/chat.ts';
import type { GrammarLimits } from './gbnf.ts';
import { alternatives, GrammarBuilder, tooComplex, unsupportedSchema } from './gbnf.ts';
import { anyObject, anyValue, member, whiteSpace } from './json-grammar.ts';
import { decimalGrammar, integerGrammar } from './number-grammar.ts';
import type { ReasoningPrefix } from './reasoning-prefix.ts';
import { withReasoning } from './reasoning-prefix.ts';
import {
  asList,
  asSchema,
  checkSize,
  constraintsOf,
  flatten,
  isObject,
  merge,
  resolveReference,
} from './schema-merge.ts';
import { otherKey, stringGrammar, valuesGrammar } from './string-grammar.ts';

export type SchemaGrammarOptions = {
  limits?: Partial<GrammarLimits>;
  /** What to do with keywords that a grammar cannot enforce. Default `refuse`. */
  unsupportedKeywords?: 'refuse' | 'ignore';
  /** Whether the model thinks before it answers. Default `none`. */
  reasoning?: ReasoningPrefix;
};

/**
 * GBNF text with start rule `root`.
 * Errors: `unsupported_schema`, `schema_too_complex`; both within milliseconds, however the schema is built.
 */
export function grammarFromSchema(schema: JsonSchema, options: SchemaGrammarOptions = {}): string {
  const grammar = new GrammarBuilder(options.limits);
  const answer = addSchema(grammar, schema, options.unsupportedKeywords ?? 'refuse');
  grammar.define('root', withReasoning(grammar, options.reasoning ?? 'none', answer));
  return grammar.toString();
}

/** Any JSON object: `response_format` of type `json_object`. */
export function jsonObjectGrammar(options: Omit<SchemaGrammarOptions, 'unsupportedKeywords'> = {}): string {
  const grammar = new GrammarBuilder(options.limits);
  const answer = anyObject(grammar, grammar.limits.anyDepth);
  grammar.define('root', withReasoning(grammar, options.reasoning ?? 'none', answer));
  return grammar.toString();
}

/** Adds the rules for one schema to a grammar; returns the rule that matches it. */
export function addSchema(grammar: GrammarBuilder, schema: JsonSchema, unsupported: 'refuse' | 'ignore'): string {
  const symbol = new SchemaCompiler(grammar, schema, unsupported === 'refuse').compile();
  if (symbol === undefined) throw unsupportedSchema('nothing can fit it');
  return symbol;
}

const unenforceable = [
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'patternProperties',
  'propertyNames',
  'contains',
  'minContains',
  'maxContains',
  'uniqueItems',
  'multipleOf',
  'unevaluatedItems',
  '$dynamicRef',
  '$recursiveRef',
];

type Visit = { depth: number; hint: string; unguarded: ReadonlySet<JsonObject> };

class SchemaCompiler {
  readonly #grammar: GrammarBuilder;
  readonly #root: JsonSchema;
  readonly #refuse: boolean;
  /** `undefined`: nothing can fit. */
  readonly #done = new Map<JsonObject, string | undefined>();
  readonly #inProgress = new Map<JsonObject, { name: string; used: boolean }>();
  #visits = 0;

  constructor(grammar: GrammarBuilder, root: JsonSchema, refuse: boolean) {
    this.#grammar = grammar;
    this.#root = root;
    this.#refuse = refuse;
  }

  compile(): string | undefined {
    const { limits } = this.#grammar;
    // A level of schema is at most three of JSON: `properties`, the name, and perhaps a list.
    checkSize(this.#root, 4 * limits.depth, 5 * limits.schemas);
    return this.#visit(this.#root, { depth: 0, hint: 'answer', unguarded: new Set() });
  }

  #spend(): void {
    const { schemas } = this.#grammar.limits;
    if (++this.#visits > schemas) throw tooComplex(`it holds more than ${schemas} schemas`);
  }

  /** A rule for the schema. One object, reached twice, is compiled once; that also closes recursion. */
  #visit(schema: JsonSchema, visit: Visit): string | undefined {
    const { limits } = this.#grammar;
    this.#spend();
    if (visit.depth > limits.depth) throw tooComplex(`it is nested deeper than ${limits.depth} levels`);
    if (schema === false) return undefined;
    if (schema === true) return anyValue(this.#grammar, limits.anyDepth);
    if (this.#done.has(schema)) return this.#done.get(schema);
    const running = this.#inProgress.get(schema);
    if (running !== undefined) {
      if (visit.unguarded.has(schema)) {
        throw unsupportedSchema('a $ref leads back to itself without any structure between');
      }
      running.used = true;
      return running.name;
    }
    const state = { name: this.#grammar.reserve(visit.hint), used: false };
    this.#inProgress.set(schema, state);
    const body = this.#body(schema, { ...visit, unguarded: new Set([...visit.unguarded, schema]) });
    this.#inProgress.delete(schema);
    if (body === undefined && state.used) throw unsupportedSchema('a recursive part of it can never end');
    let symbol = body;
    if (body !== undefined) {
      symbol = state.used ? this.#grammar.define(state.name, body) : this.#grammar.rule(visit.hint, body);
    }
    this.#done.set(schema, symbol);
    return symbol;
  }

  #body(schema: JsonObject, visit: Visit): string | undefined {
    const constraints = constraintsOf(schema);
    const keys = Object.keys(constraints);
    if (keys.length === 0) return anyValue(this.#grammar, this.#grammar.limits.anyDepth);
    const deeper = { ...visit, depth: visit.depth + 1 };
    if (keys.length === 1 && keys[0] === '$ref') {
      return this.#visit(resolveReference(this.#root, constraints['$ref']), deeper);
    }
    const flat = flatten(this.#root, schema, () => this.#spend());
    if (typeof flat === 'boolean') return this.#visit(flat, deeper);
    const { anyOf, oneOf, ...rest } = flat;
    const branches = anyOf ?? oneOf;
    if (branches !== undefined) {
      const remaining = anyOf !== undefined && oneOf !== undefined ? { ...rest, oneOf } : rest;
      return this.#union(asList(branches), remaining, deeper);
    }
    if (flat['const'] !== undefined || flat['enum'] !== undefined) return this.#values(flat);
    const types = flat['type'] === undefined ? [inferType(flat)] : asList(flat['type']);
    if (types.length === 1) return this.#typed(types[0], flat, visit);
    const symbols = types.map((type) => this.#visit({ ...flat, type: type ?? null }, deeper));
    return joined(symbols);
  }

  #union(branches: JsonValue[], rest: JsonObject, visit: Visit): string | undefined {
    const isPlain = Object.keys(rest).length === 0;
    const symbols = branches.map((branch) => {
      const schema = asSchema(branch);
      const combined = isPlain
        ? schema
        : merge(
            rest,
            flatten(this.#root, schema, () => this.#spend(), visit.unguarded),
          );
      return this.#visit(combined, visit);
    });
    return joined(symbols);
  }

  #values(schema: JsonObject): string | undefined {
    const listed = schema['enum'] === undefined ? undefined : asList(schema['enum']);
    const all = schema['const'] === undefined ? (listed ?? []) : [schema['const']];
    const allowed = listed === undefined ? undefined : new Set(listed.map((value) => JSON.stringify(value)));
    const types = schema['type'] === undefined ? undefined : asList(schema['type']);
    const values = all.filter(
      (value) =>
        (allowed === undefined || allowed.has(JSON.stringify(value))) &&
        (types === undefined || types.some((type) => isOfType(value, type))),
    );
    return values.length === 0 ? undefined : valuesGrammar(this.#grammar, values);
  }

  #typed(type: JsonValue | undefined, schema: JsonObject, visit: Visit): string | undefined {
    this.#checkKeywords(schema);
    switch (type) {
      case 'object':
        return this.#object(schema, visit);
      case 'array':
        return this.#array(schema, visit);
      case 'string':
        return stringGrammar(
          this.#grammar,
          {
            ...optional('minLength', count(schema, 'minLength')),
            ...optional('maxLength', count(schema, 'maxLength')),
            ...(typeof schema['pattern'] === 'string' ? { pattern: schema['pattern'] } : {}),
            ...(typeof schema['format'] === 'string' ? { format: schema['format'] } : {}),
          },
          this.#refuse,
        );
      case 'integer':
        return this.#grammar.rule('integer', integerGrammar(bounds(schema)));
      case 'number':
        return this.#grammar.rule('number', decimalGrammar(bounds(schema)));
      case 'boolean':
        return this.#grammar.rule('boolean', '"true" | "false"');
      case 'null':
        return this.#grammar.rule('null', '"null"');
      case 'any':
        return anyValue(this.#grammar, this.#grammar.limits.anyDepth);
      default:
        throw unsupportedSchema(`the type ${JSON.stringify(type)?.slice(0, 40)} does not exist`);
    }
  }

  #checkKeywords(schema: JsonObject): void {
    if (!this.#refuse) return;
    for (const keyword of unenforceable) {
      const value = schema[keyword];
      if (value !== undefined && value !== false) throw unsupportedSchema(`${keyword} cannot be enforced`);
    }
  }

  #object(schema: JsonObject, visit: Visit): string | undefined {
    const grammar = this.#grammar;
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const required = new Set(asList(schema['required']).filter((name) => typeof name === 'string'));
    const inner = { depth: visit.depth + 1, unguarded: new Set<JsonObject>() };
    const extra = schema['additionalProperties'];
    const names = [...new Set([...Object.keys(properties), ...required])];
    const isOpen = extra !== undefined ? extra !== false : names.length === 0;
    const members: { symbol: string; required: boolean }[] = [];
    for (const name of names) {
      const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const value = this.#visit(asSchema(own ?? extra ?? true), { ...inner, hint: name });
      if (value !== undefined) {
        members.push({ symbol: member(grammar, name, value), required: required.has(name) });
      } else if (required.has(name)) {
        return undefined;
      }
    }
    const extraValue = isOpen ? this.#visit(asSchema(extra ?? true), { ...inner, hint: 'extra' }) : undefined;
    const other =
      extraValue === undefined ? undefined : grammar.rule('pair', `${otherKey(grammar, names)} ":" " "? ${extraValue}`);
    return this.#members(schema, members, other);
  }

  #members(schema: JsonObject, members: { symbol: string; required: boolean }[], other: string | undefined): string {
    const grammar = this.#grammar;
    const ws = whiteSpace(grammar);
    const least = count(schema, 'minProperties') ?? 0;
    const most = count(schema, 'maxProperties');
    const requiredCount = members.filter((each) => each.required).length;
    if (members.length === 0 && other !== undefined) return `"{" ${ws} ${this.#list(other, least, most)} "}"`;
    const mostWritten = other === undefined ? members.length : Infinity;
    if (this.#refuse && (least > requiredCount || (most !== undefined && most < mostWritten))) {
      throw unsupportedSchema('minProperties or maxProperties beside named properties');
    }
    /** What may follow when something, or nothing, has been written before. */
    let after = other === undefined ? '' : `${grammar.rule('next', `"," ${ws} ${other}`)}*`;
    let first = other === undefined ? '' : `(${other} ${after})?`;
    for (const each of members.toReversed()) {
      const rest = after === '' ? '' : ` ${grammar.rule('rest', after)}`;
      const start = `${each.symbol}${rest}`;
      const skipped: string = first === '' ? '""' : grammar.rule('first', first);
      first = each.required ? start : `${start} | ${skipped}`;
      after = each.required ? `"," ${ws} ${each.symbol}${rest}` : `("," ${ws} ${each.symbol})?${rest}`;
    }
    if (first === '') return `"{" ${ws} "}"`;
    return `"{" ${ws} (${first}) ${ws} "}"`;
  }

  #array(schema: JsonObject, visit: Visit): string | undefined {
    const grammar = this.#grammar;
    const ws = whiteSpace(grammar);
    const isOldTuple = Array.isArray(schema['items']);
    const prefix = asList(isOldTuple ? schema['items'] : schema['prefixItems']);
    const rest = isOldTuple ? schema['additionalItems'] : schema['items'];
    const least = count(schema, 'minItems') ?? 0;
    const most = count(schema, 'maxItems');
    if (most !== undefined && most < least) throw unsupportedSchema('maxItems is below minItems');
    const inner = { depth: visit.depth + 1, hint: `${visit.hint}-item`, unguarded: new Set<JsonObject>() };
    const fixed: string[] = [];
    for (const item of prefix.slice(0, most)) {
      const symbol = this.#visit(asSchema(item), inner);
      if (symbol === undefined) return undefined;
      fixed.push(symbol);
    }
    const wantsMore = most === undefined || most > fixed.length;
    const isOpen = wantsMore && (fixed.length === 0 || rest !== undefined || least > fixed.length);
    const item = isOpen ? this.#visit(asSchema(rest ?? true), inner) : undefined;
    if (item === undefined && least > fixed.length) return undefined;
    if (fixed.length === 0) {
      return item === undefined ? `"[" ${ws} "]"` : `"[" ${ws} ${this.#list(item, least, most)} "]"`;
    }
    const start = fixed.join(` "," ${ws} `);
    if (item === undefined) return `"[" ${ws} ${start} ${ws} "]"`;
    const next = grammar.rule('next', `"," ${ws} ${item}`);
    const more = grammar.repeat(
      next,
      Math.max(0, least - fixed.length),
      most === undefined ? undefined : most - fixed.length,
    );
    return `"[" ${ws} ${start} ${more} ${ws} "]"`;
  }

  /** `item, item, ...` with the white space after it; may be empty when `least` is 0. */
  #list(item: string, least: number, most: number | undefined): string {
    const grammar = this.#grammar;
    const ws = whiteSpace(grammar);
    if (most === 0) return '""';
    const next = grammar.rule('next', `"," ${ws} ${item}`);
    const more = grammar.repeat(next, Math.max(0, least - 1), most === undefined ? undefined : most - 1);
    const list = `${item} ${more} ${ws}`;
    return least === 0 ? `(${list})?` : list;
  }
}

function joined(symbols: (string | undefined)[]): string | undefined {
  const possible = symbols.filter((symbol) => symbol !== undefined);
  return possible.length === 0 ? undefined : alternatives(possible);
}

function inferType(schema: JsonObject): string {
  const has = (...keys: string[]): boolean => keys.some((key) => schema[key] !== undefined);
  if (has('properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'patternProperties')) {
    return 'object';
  }
  if (has('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains')) return 'array';
  if (has('minLength', 'maxLength', 'pattern', 'format')) return 'string';
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return 'number';
  return 'any';
}

function isOfType(value: JsonValue, type: JsonValue): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (typeof value === 'number') return type === 'number' || (type === 'integer' && Number.isInteger(value));
  return type === typeof value;
}

/** Drafts before 6 wrote `exclusiveMinimum: true` beside `minimum`. */
function bounds(schema: JsonObject): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [exclusive, inclusive] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const bound = schema[inclusive];
    const limit = schema[exclusive];
    if (typeof bound === 'number') found[limit === true ? exclusive : inclusive] = bound;
    if (typeof limit === 'number') found[exclusive] = limit;
  }
  return found;
}

function count(schema: JsonObject, key: string): number | undefined {
  const value = schema[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw unsupportedSchema(`${key} is not a count`);
  }
  return Math.floor(value);
}

function optional<Key extends string>(key: Key, value: number | undefined): { [Name in Key]?: number } {
  return (value === undefined ? {} : { [key]: value }) as { [Name in Key]?: number };
}
