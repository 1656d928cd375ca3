/** For tests only: says whether a value fits a JSON Schema, as far as the tests' schemas go; written apart from the compiler. */
import type { JsonObject, JsonSchema, JsonValue } from '../../../../core/chat.ts';

export function fits(value: JsonValue, schema: JsonSchema, root: JsonSchema = schema): boolean {
  if (typeof schema === 'boolean') return schema;
  const { $ref } = schema;
  if (typeof $ref === 'string') {
    let found: JsonValue = root;
    for (const step of $ref.split('/').slice(1)) found = (found as JsonObject)[step] ?? null;
    if (!fits(value, found as JsonSchema, root)) return false;
  }
  const all = (key: string): JsonSchema[] => (schema[key] as JsonSchema[] | undefined) ?? [];
  if (!all('allOf').every((part) => fits(value, part, root))) return false;
  for (const key of ['anyOf', 'oneOf']) {
    if (schema[key] !== undefined && !all(key).some((part) => fits(value, part, root))) return false;
  }
  const same = (other: JsonValue): boolean => JSON.stringify(other) === JSON.stringify(value);
  if (schema['const'] !== undefined && !same(schema['const'])) return false;
  if (schema['enum'] !== undefined && !(schema['enum'] as JsonValue[]).some(same)) return false;
  const types = schema['type'] === undefined ? [] : [schema['type']].flat();
  if (types.length > 0 && !types.some((type) => isOfType(value, type as string))) return false;
  if (typeof value === 'string') return fitsString(value, schema);
  if (typeof value === 'number') return fitsNumber(value, schema);
  if (Array.isArray(value)) return fitsArray(value, schema, root);
  if (typeof value === 'object' && value !== null) return fitsObject(value, schema, root);
  return true;
}

function isOfType(value: JsonValue, type: string): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function fitsString(value: string, schema: JsonObject): boolean {
  const { length } = Array.from(value);
  const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
  if (length < Number(minLength) || length > Number(maxLength)) return false;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) return false;
  if (format === 'date-time' || format === 'date') return !Number.isNaN(Date.parse(value));
  if (format === 'time') return !Number.isNaN(Date.parse(`2024-01-01T${value}`));
  if (format === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
  return format === 'email' ? /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(value) : true;
}

function fitsNumber(value: number, schema: JsonObject): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum, exclusiveMaximum } = schema;
  return (
    value >= Number(minimum) &&
    value <= Number(maximum) &&
    (exclusiveMinimum === undefined || value > Number(exclusiveMinimum)) &&
    (exclusiveMaximum === undefined || value < Number(exclusiveMaximum))
  );
}

function fitsArray(value: JsonValue[], schema: JsonObject, root: JsonSchema): boolean {
  const { minItems = 0, maxItems = Infinity } = schema;
  if (value.length < Number(minItems) || value.length > Number(maxItems)) return false;
  const prefix = (schema['prefixItems'] as JsonSchema[] | undefined) ?? [];
  const items = (schema['items'] as JsonSchema | undefined) ?? true;
  return value.every((item, index) => fits(item, prefix[index] ?? items, root));
}

function fitsObject(value: JsonObject, schema: JsonObject, root: JsonSchema): boolean {
  const properties = (schema['properties'] as JsonObject | undefined) ?? {};
  const required = (schema['required'] as string[] | undefined) ?? [];
  const extra = (schema['additionalProperties'] as JsonSchema | undefined) ?? true;
  const { minProperties = 0, maxProperties = Infinity } = schema;
  const names = Object.keys(value);
  if (names.length < Number(minProperties) || names.length > Number(maxProperties)) return false;
  if (!required.every((name) => Object.hasOwn(value, name))) return false;
  return names.every((name) => {
    const own = Object.hasOwn(properties, name) ? (properties[name] as JsonSchema) : extra;
    return fits(value[name] ?? null, own, root);
  });
}
