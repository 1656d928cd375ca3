/** The flags of `keys create` and `keys limits`. */
import type { Command } from 'commander';
import { type KeyLimits, keyLimitsSchema } from '../../gateway/keys/key-record.ts';
import { UsageError } from '../report-error.ts';

export type LimitOptions = Partial<
  Record<'rpm' | 'tpm' | 'concurrency' | 'budget' | 'models' | 'weight' | 'maxBody' | 'expires', string>
>;

export function addLimitOptions(command: Command): Command {
  return command
    .option('--rpm <number>', 'Requests a minute.')
    .option('--tpm <number>', 'Tokens a minute, prompt and answer together.')
    .option('--concurrency <number>', 'Requests that run at once; further ones wait.')
    .option('--budget <amount>', 'What it may cost in a month (UTC), in the currency of the prices.')
    .option('--models <names>', 'The only models it may use, separated by commas.')
    .option('--weight <number>', 'Share beside other keys while the gateway is full; 1 is usual.')
    .option('--max-body <MiB>', 'Largest request body.')
    .option('--expires <when>', 'A date such as 2027-01-31, or a time from now such as 30d or 12h.');
}

/** What was given, over what there was; `none` takes a limit away. Throws UsageError. */
export function limitsOf(options: LimitOptions, before: KeyLimits): KeyLimits {
  const limits: Record<string, unknown> = { ...before };
  const set = (name: keyof KeyLimits, text: string | undefined, read: (text: string) => unknown): void => {
    if (text === 'none') delete limits[name];
    else if (text !== undefined) limits[name] = read(text);
  };
  set('requestsPerMinute', options.rpm, Number);
  set('tokensPerMinute', options.tpm, Number);
  set('concurrency', options.concurrency, Number);
  set('monthlyBudget', options.budget, Number);
  set('weight', options.weight, Number);
  set('maxBodyMib', options.maxBody, Number);
  set('models', options.models, (text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
  const parsed = keyLimitsSchema.safeParse(limits);
  if (parsed.success) return parsed.data;
  const name = String(parsed.error.issues[0]?.path[0] ?? '');
  throw new UsageError(`--${flags[name] ?? name}: the value is not valid; see --help`);
}

const flags: Record<string, string> = {
  requestsPerMinute: 'rpm',
  tokensPerMinute: 'tpm',
  concurrency: 'concurrency',
  monthlyBudget: 'budget',
  weight: 'weight',
  maxBodyMib: 'max-body',
  models: 'models',
};

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since the epoch; `null` for `none`, `undefined` where nothing was said. Throws UsageError. */
export function expiryOf({ expires }: LimitOptions, now: number): number | null | undefined {
  if (expires === undefined) return undefined;
  if (expires === 'none') return null;
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(expires) ?? [];
  const at = count === undefined ? Date.parse(expires) : now + Number(count) * (unitMs[unit] ?? 0);
  if (Number.isNaN(at)) throw new UsageError('--expires: expected a date such as 2027-01-31, or 30d, 12h, 45m');
  if (at <= now) throw new UsageError('--expires: that time is over already');
  return at;
}
