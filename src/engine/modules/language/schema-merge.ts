/** `$ref` and `allOf` taken out of a schema: what is left says everything itself. */
import type { JsonObject, JsonSchema, JsonValue } from '../../../core/chat.ts';
import { tooComplex, unsupportedSchema } from './gbnf.ts';

/** Keywords that say nothing about which values are right. */
const annotations = new Set([
  '$schema',
  '$id',
  '$anchor',
  '$comment',
  '$defs',
  'definitions',
  '$vocabulary',
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'discriminator',
  'strict',
]);
const largestProduct = 64;

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema without its annotations. */
export function constraintsOf(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !annotations.has(key) && !key.startsWith('x-')));
}

/** Looks up a local reference (`#`, `#/$defs/Name`). Errors: `unsupported_schema`. */
export function resolveReference(root: JsonSchema, reference: JsonValue | undefined): JsonSchema {
  if (typeof reference !== 'string' || !(reference === '#' || reference.startsWith('#/'))) {
    throw unsupportedSchema(`$ref ${JSON.stringify(reference)?.slice(0, 80)} does not point into the schema itself`);
  }
  let found: JsonValue | undefined = root;
  for (const step of reference.split('/').slice(1)) {
    const key = unescapePointer(step);
    if (Array.isArray(found)) found = found[Number(key)];
    else found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  if (typeof found !== 'boolean' && !isObject(found)) {
    throw unsupportedSchema(`$ref ${JSON.stringify(reference.slice(0, 80))} points nowhere`);
  }
  return found;
}

function unescapePointer(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

/**
 * Follows `$ref` and folds `allOf` until neither is left at this level. `false` when nothing can fit. `spend` is called for
 * every schema looked at and throws when that has been enough: folding can double the work at each level.
 * Errors: `unsupported_schema` for a reference that only leads to itself.
 */
export function flatten(
  root: JsonSchema,
  schema: JsonSchema,
  spend: () => void,
  seen: ReadonlySet<JsonSchema> = new Set(),
): JsonSchema {
  spend();
  if (typeof schema === 'boolean') return schema;
  const { $ref, allOf, ...rest } = constraintsOf(schema);
  if ($ref === undefined && allOf === undefined) return rest;
  if (seen.has(schema)) throw unsupportedSchema('a $ref leads back to itself without any structure between');
  const inner = new Set([...seen, schema]);
  let merged: JsonSchema = rest;
  if ($ref !== undefined) merged = merge(merged, flatten(root, resolveReference(root, $ref), spend, inner));
  if (allOf !== undefined) {
    if (!Array.isArray(allOf)) throw unsupportedSchema('allOf is not a list');
    for (const part of allOf) merged = merge(merged, flatten(root, asSchema(part), spend, inner));
  }
  return merged;
}

/**
 * Refuses a document too large to look at, before anything recursive touches it.
 * Errors: `schema_too_complex`.
 */
export function checkSize(schema: JsonSchema, largestDepth: number, mostValues: number): void {
  let level: JsonValue[] = [schema];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (depth > largestDepth) throw tooComplex('its JSON is nested too deeply');
    if (values > mostValues) throw tooComplex(`it has more than ${mostValues} parts`);
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
}

export function asSchema(value: JsonValue | undefined): JsonSchema {
  if (typeof value === 'boolean' || isObject(value)) return value;
  throw unsupportedSchema(`${JSON.stringify(value)?.slice(0, 80)} stands where a schema should`);
}

/** What fits both. Both are flat. */
export function merge(left: JsonSchema, right: JsonSchema): JsonSchema {
  if (left === false || right === false) return false;
  if (left === true) return right;
  if (right === true) return left;
  const merged: JsonObject = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const own = merged[key];
    if (own === undefined) merged[key] = value;
    else if (JSON.stringify(own) !== JSON.stringify(value)) merged[key] = mergeKeyword(key, own, value);
  }
  if (left['properties'] !== undefined || right['properties'] !== undefined) {
    merged['properties'] = mergeProperties(left, right);
  }
  return merged;
}

const keepLarger = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']);
const keepSmaller = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

function mergeKeyword(key: string, left: JsonValue, right: JsonValue): JsonValue {
  if (keepLarger.has(key)) return Math.max(Number(left), Number(right));
  if (keepSmaller.has(key)) return Math.min(Number(left), Number(right));
  switch (key) {
    case 'properties':
      return left;
    case 'required':
      return [...new Set([...asList(left), ...asList(right)])];
    case 'type':
      return commonTypes(left, right);
    case 'enum': {
      const texts = new Set(asList(right).map((value) => JSON.stringify(value)));
      return asList(left).filter((value) => texts.has(JSON.stringify(value)));
    }
    case 'items':
    case 'additionalProperties':
      return both(asSchema(left), asSchema(right));
    case 'anyOf':
    case 'oneOf': {
      const pairs = asList(left).flatMap((a) => asList(right).map((b) => both(asSchema(a), asSchema(b))));
      if (pairs.length > largestProduct) throw tooComplex(`allOf combines ${key} lists to ${pairs.length} cases`);
      return pairs;
    }
    default:
      throw unsupportedSchema(`two different values of ${key} in one allOf`);
  }
}

const both = (left: JsonSchema, right: JsonSchema): JsonSchema => {
  if (left === true) return right;
  if (right === true) return left;
  return left === false || right === false ? false : { allOf: [left, right] };
};

/** A property that one side does not name falls under that side's `additionalProperties`. */
function mergeProperties(left: JsonObject, right: JsonObject): JsonObject {
  const leftNames = isObject(left['properties']) ? left['properties'] : {};
  const rightNames = isObject(right['properties']) ? right['properties'] : {};
  const merged: JsonObject = {};
  for (const name of new Set([...Object.keys(leftNames), ...Object.keys(rightNames)])) {
    const a = leftNames[name] ?? left['additionalProperties'] ?? true;
    const b = rightNames[name] ?? right['additionalProperties'] ?? true;
    Object.defineProperty(merged, name, { value: both(asSchema(a), asSchema(b)), enumerable: true });
  }
  return merged;
}

function commonTypes(left: JsonValue, right: JsonValue): JsonValue {
  const rightTypes = asList(right);
  return asList(left).flatMap((type): JsonValue[] => {
    if (rightTypes.includes(type)) return [type];
    if (type === 'integer' && rightTypes.includes('number')) return ['integer'];
    return type === 'number' && rightTypes.includes('integer') ? ['integer'] : [];
  });
}

export function asList(value: JsonValue | undefined): JsonValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
