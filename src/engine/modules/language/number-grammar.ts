/** Grammar expressions for JSON numbers within bounds. All are written without exponents and with at most 15 digits a side. */
import { alternatives, literal, unsupportedSchema } from './gbnf.ts';

export type NumberBounds = {
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
};

/** Integers up to here are exact in every JSON reader. */
const largestInteger = 10n ** 15n - 1n;
const anyDigits = '[0-9]{0,14}';
const zeros = '"0"{0,4}';

/** Errors: `unsupported_schema` when no number fits. */
export function integerGrammar(bounds: NumberBounds): string {
  let low = -largestInteger;
  let high = largestInteger;
  if (bounds.minimum !== undefined) low = larger(low, toInteger(Math.ceil(bounds.minimum)));
  if (bounds.exclusiveMinimum !== undefined) low = larger(low, toInteger(Math.floor(bounds.exclusiveMinimum)) + 1n);
  if (bounds.maximum !== undefined) high = smaller(high, toInteger(Math.floor(bounds.maximum)));
  if (bounds.exclusiveMaximum !== undefined) high = smaller(high, toInteger(Math.ceil(bounds.exclusiveMaximum)) - 1n);
  if (low > high) throw unsupportedSchema('no integer lies within its bounds');
  if (low === -largestInteger && high === largestInteger) return '"-"? ("0" | [1-9] [0-9]{0,14})';
  const parts: string[] = [];
  if (high >= 0n) parts.push(naturals(larger(low, 0n), high));
  if (low < 0n) parts.push(`"-" ${naturals(larger(1n, -high), -low)}`);
  return alternatives(parts);
}

/** Errors: `unsupported_schema` when no number fits. */
export function decimalGrammar(bounds: NumberBounds): string {
  const low = tighter(bounds.minimum, bounds.exclusiveMinimum, (a, b) => a > b);
  const high = tighter(bounds.maximum, bounds.exclusiveMaximum, (a, b) => a < b);
  if (low === undefined && high === undefined) {
    return '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?';
  }
  const parts: string[] = [];
  if (high === undefined || high.value > 0 || (high.value === 0 && !high.exclusive)) {
    const from = low !== undefined && low.value > 0 ? low : { value: 0, exclusive: low?.value === 0 && low.exclusive };
    const positive = magnitudes(from, high);
    if (positive !== undefined) parts.push(positive);
  }
  if (low === undefined || low.value < 0) {
    const from = high !== undefined && high.value < 0 ? negate(high) : { value: 0, exclusive: true };
    const negative = magnitudes(from, low === undefined ? undefined : negate(low));
    if (negative !== undefined) parts.push(`"-" ${negative}`);
  }
  if (parts.length === 0) throw unsupportedSchema('no number lies within its bounds');
  return alternatives(parts);
}

type Bound = { value: number; exclusive: boolean };
type Decimal = { whole: bigint; fraction: string; exclusive: boolean };

function tighter(
  inclusive: number | undefined,
  exclusive: number | undefined,
  isTighter: (a: number, b: number) => boolean,
): Bound | undefined {
  if (exclusive !== undefined && (inclusive === undefined || !isTighter(inclusive, exclusive))) {
    return { value: exclusive, exclusive: true };
  }
  return inclusive === undefined ? undefined : { value: inclusive, exclusive: false };
}

const negate = (bound: Bound): Bound => ({ value: -bound.value, exclusive: bound.exclusive });

function toDecimal(bound: Bound): Decimal {
  const text = String(bound.value).includes('e') ? bound.value.toFixed(15) : String(bound.value);
  const [whole = '0', fraction = ''] = text.split('.');
  return { whole: BigInt(whole), fraction: fraction.replace(/0+$/, '').slice(0, 15), exclusive: bound.exclusive };
}

/** Non-negative decimals between two bounds; `undefined` when there is none. */
function magnitudes(lowBound: Bound, highBound: Bound | undefined): string | undefined {
  if (lowBound.value > Number(largestInteger)) return undefined;
  const low = toDecimal(lowBound);
  const unbounded = highBound === undefined || highBound.value > Number(largestInteger);
  const high: Decimal = unbounded ? { whole: largestInteger, fraction: '', exclusive: false } : toDecimal(highBound);
  if (low.whole > high.whole) return undefined;
  const parts: string[] = [];
  const add = (whole: bigint, fraction: string | undefined): void => {
    if (fraction !== undefined) parts.push(`${literal(String(whole))}${fraction === '' ? '' : ` ${fraction}`}`);
  };
  if (low.whole === high.whole) {
    add(low.whole, fractionBetween(low, high));
  } else {
    add(low.whole, fractionAtLeast(low));
    if (low.whole + 1n < high.whole) parts.push(`${naturals(low.whole + 1n, high.whole - 1n)} ("." [0-9]{1,15})?`);
    add(high.whole, fractionAtMost(high));
  }
  return parts.length === 0 ? undefined : alternatives(parts);
}

function fractionAtLeast(low: Decimal): string {
  if (low.fraction === '') {
    return low.exclusive ? `"." ${digitsAbove('', true)}` : '("." [0-9]{1,15})?';
  }
  return `"." ${digitsAbove(low.fraction, low.exclusive)}`;
}

function fractionAtMost(high: Decimal): string | undefined {
  if (high.fraction === '') return high.exclusive ? undefined : '("." "0"{1,4})?';
  return `("." ${digitsBelow(high.fraction, high.exclusive)})?`;
}

function fractionBetween(low: Decimal, high: Decimal): string | undefined {
  const length = Math.max(low.fraction.length, high.fraction.length);
  const from = low.fraction.padEnd(length, '0');
  const to = high.fraction.padEnd(length, '0');
  if (from > to || (from === to && (low.exclusive || high.exclusive))) return undefined;
  if (from === to) return low.fraction === '' ? '("." "0"{1,4})?' : `${literal(`.${low.fraction}`)} ${zeros}`;
  let shared = 0;
  while (from[shared] === to[shared]) shared++;
  const first = Number(from[shared]);
  const last = Number(to[shared]);
  const parts = [`"${first}" ${digitsAbove(trimZeros(from.slice(shared + 1)), low.exclusive)}`];
  if (last - first > 1) parts.push(`${digitRange(first + 1, last - 1)} ${anyDigits}`);
  const end = trimZeros(to.slice(shared + 1));
  if (end !== '') parts.push(`"${last}" (${digitsBelow(end, high.exclusive)})?`);
  else if (!high.exclusive) parts.push(`"${last}" ${zeros}`);
  const digits = `${literal(`.${from.slice(0, shared)}`)} ${alternatives(parts)}`;
  return low.fraction === '' && !low.exclusive ? `(${digits})?` : digits;
}

const trimZeros = (digits: string): string => digits.replace(/0+$/, '');

/** Digits after the point whose value is at least (or above) `0.digits`. */
function digitsAbove(digits: string, exclusive: boolean): string {
  if (digits === '') return exclusive ? `${zeros} [1-9] ${anyDigits}` : anyDigits;
  const first = Number(digits[0]);
  const rest = `"${first}" ${digitsAbove(digits.slice(1), exclusive)}`;
  return first === 9 ? rest : `(${rest} | ${digitRange(first + 1, 9)} ${anyDigits})`;
}

/** One digit or more whose value after the point is at most (or below) `0.digits`; `digits` does not end in 0. */
function digitsBelow(digits: string, exclusive: boolean): string {
  const first = Number(digits[0]);
  const parts = first === 0 ? [] : [`${digitRange(0, first - 1)} ${anyDigits}`];
  const rest = digits.slice(1);
  if (rest !== '') parts.push(`"${first}" (${digitsBelow(rest, exclusive)})?`);
  else if (!exclusive) parts.push(`"${first}" ${zeros}`);
  return alternatives(parts);
}

/** Whole numbers from `low` to `high`, both included, without leading zeros. */
function naturals(low: bigint, high: bigint): string {
  const parts: string[] = [];
  const lowText = String(low);
  const highText = String(high);
  /** Lengths of which every number fits, gathered into one part. */
  const full: number[] = [];
  for (let length = lowText.length; length <= highText.length; length++) {
    const smallest = length === 1 ? '0' : `1${'0'.repeat(length - 1)}`;
    const from = length === lowText.length ? lowText : smallest;
    const to = length === highText.length ? highText : '9'.repeat(length);
    if (length > 1 && from === smallest && /^9+$/.test(to)) full.push(length);
    else parts.push(sameLength(from, to));
  }
  if (full.length > 0) parts.push(`[1-9] [0-9]{${(full[0] ?? 1) - 1},${(full.at(-1) ?? 1) - 1}}`);
  return alternatives(parts);
}

function sameLength(from: string, to: string): string {
  if (from === to) return literal(from);
  if (/^0*$/.test(from) && /^9*$/.test(to)) return from.length === 1 ? '[0-9]' : `[0-9]{${from.length}}`;
  const first = Number(from[0]);
  const last = Number(to[0]);
  const restLength = from.length - 1;
  if (restLength === 0) return digitRange(first, last);
  if (first === last) return `"${first}" ${sameLength(from.slice(1), to.slice(1))}`;
  const anyRest = `[0-9]{${restLength}}`;
  const parts: string[] = [];
  const lowRest = sameLength(from.slice(1), '9'.repeat(restLength));
  const highRest = sameLength('0'.repeat(restLength), to.slice(1));
  parts.push(`"${first}" ${lowRest}`);
  if (last - first > 1) parts.push(`${digitRange(first + 1, last - 1)} ${anyRest}`);
  parts.push(`"${last}" ${highRest}`);
  return alternatives(parts);
}

const digitRange = (from: number, to: number): string => (from === to ? `"${from}"` : `[${from}-${to}]`);

/** Bounds beyond the largest integer count as that one, so that they still mean "too large to fit" on the wrong side. */
function toInteger(value: number): bigint {
  const limit = Number(largestInteger) + 2;
  return BigInt(Math.max(-limit, Math.min(limit, value)));
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
