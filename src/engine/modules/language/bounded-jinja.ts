/**
 * `@huggingface/jinja` with limits. Templates come with model files from anywhere, and the library sets no bound on loops, ranges
 * or the length of a string; a template that runs away must fail, not hold the engine.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import type { Clock } from '../../../core/clock.ts';

/** What a template asked to be refused with `raise_exception`. Its message is meant for whoever wrote the messages. */
export class TemplateRefusal extends Error {}

/** The template did more than a chat template has reason to. */
export class TemplateRunaway extends Error {}

export type TemplateLimits = {
  /** Expressions and statements evaluated, and entries looped over. Default 3 million: 20 times a long conversation. */
  steps: number;
  /** The net below the others, for steps that are slow in themselves. Default 5000. */
  milliseconds: number;
  /** Characters of any string on the way, beyond four times the input. Default 1 million. */
  characters: number;
  /** Entries of one `range()`. Default 100,000. */
  rangeEntries: number;
};

export const defaultTemplateLimits: TemplateLimits = {
  steps: 3_000_000,
  milliseconds: 5000,
  characters: 1_000_000,
  rangeEntries: 100_000,
};

/** A template ready to run. The constructor throws what the library throws for broken syntax. */
export class BoundedTemplate {
  readonly #program: unknown;
  readonly #limits: TemplateLimits;
  readonly #clock: Clock;

  constructor(text: string, clock: Clock, limits: Partial<TemplateLimits> = {}) {
    this.#program = parse(tokenize(text, { lstrip_blocks: true, trim_blocks: true }));
    this.#limits = { ...defaultTemplateLimits, ...limits };
    this.#clock = clock;
  }

  /**
   * `inputCharacters`: size of what goes in, for the length limit. `mostSteps` lowers the limit for this one run.
   * Errors: `TemplateRefusal`, `TemplateRunaway`, or whatever the library throws.
   */
  render(variables: Record<string, unknown>, inputCharacters: number, mostSteps = Infinity): string {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...this.#globals(), ...variables })) environment.set(name, value);
    const characters = this.#limits.characters + 4 * inputCharacters;
    const steps = Math.min(this.#limits.steps, mostSteps);
    const interpreter = new BoundedInterpreter(environment, { ...this.#limits, characters, steps }, this.#clock);
    return String(interpreter.run(this.#program).value);
  }

  #globals(): Record<string, unknown> {
    const { rangeEntries } = this.#limits;
    return {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      raise_exception: (message: unknown) => {
        throw new TemplateRefusal(String(message));
      },
      range: (start: number, stop?: number, step = 1) => boundedRange(start, stop, step, rangeEntries),
      strftime_now: (format: unknown) => formatTime(new Date(this.#clock.wallTime()), String(format)),
    };
  }
}

/** The package's own types do not resolve under `nodenext` (imports without endings), so what is used is stated here. */
type RuntimeValue = { value: unknown };
type Statement = { type: string; iterable?: { type: string; lhs?: object } };
type Interpreting = {
  run(program: unknown): RuntimeValue;
  evaluate(statement: Statement | undefined, environment: unknown): RuntimeValue;
};
const BaseInterpreter = Interpreter as unknown as new (environment: unknown) => Interpreting;
const stepsBetweenClockReads = 1024;

class BoundedInterpreter extends BaseInterpreter {
  readonly #limits: TemplateLimits;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  /** Expressions that a loop runs over: the library does work for each entry before the first round. */
  readonly #iterables = new WeakSet<object>();
  #steps = 0;
  #nextClockRead = stepsBetweenClockReads;

  constructor(environment: unknown, limits: TemplateLimits, clock: Clock) {
    super(environment);
    this.#limits = limits;
    this.#clock = clock;
    this.#deadlineMs = clock.now() + limits.milliseconds;
  }

  override evaluate(statement: Statement | undefined, environment: unknown): RuntimeValue {
    this.#spend(1);
    if (statement?.type === 'For' && statement.iterable !== undefined) {
      const { iterable } = statement;
      this.#iterables.add((iterable.type === 'SelectExpression' ? iterable.lhs : undefined) ?? iterable);
    }
    const result = super.evaluate(statement, environment);
    const { value } = result;
    if (typeof value === 'string' || Array.isArray(value)) {
      if (value.length > this.#limits.characters) throw new TemplateRunaway('too long');
      if (statement !== undefined && this.#iterables.has(statement)) this.#spend(value.length);
    }
    return result;
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#limits.steps) throw new TemplateRunaway('too many steps');
    if (this.#steps < this.#nextClockRead) return;
    this.#nextClockRead = this.#steps + stepsBetweenClockReads;
    if (this.#clock.now() > this.#deadlineMs) throw new TemplateRunaway('too slow');
  }
}

function boundedRange(first: number, second: number | undefined, step: number, most: number): number[] {
  const start = second === undefined ? 0 : first;
  const stop = second ?? first;
  if (step === 0) throw new Error('range() step must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > most) throw new TemplateRunaway('range() is too long');
  return Array.from({ length }, (_, index) => start + index * step);
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Python's strftime with its English names, as models were trained with; local time. */
function formatTime(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hour = date.getHours();
  const parts: Record<string, string> = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    d: two(date.getDate()),
    e: String(date.getDate()).padStart(2),
    H: two(hour),
    I: two(hour % 12 === 0 ? 12 : hour % 12),
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    p: hour < 12 ? 'AM' : 'PM',
    A: days[date.getDay()] ?? '',
    a: (days[date.getDay()] ?? '').slice(0, 3),
    B: months[date.getMonth()] ?? '',
    b: (months[date.getMonth()] ?? '').slice(0, 3),
    '%': '%',
  };
  return format.replace(/%-?([A-Za-z%])/g, (whole, letter: string) => {
    const part = parts[letter];
    if (part === undefined) return whole;
    return whole.startsWith('%-') ? part.replace(/^[0 ](?=\d)/, '') : part;
  });
}
