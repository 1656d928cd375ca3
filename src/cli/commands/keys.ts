/** `duanyun keys`: the API keys of the gateway. */
import type { Command } from 'commander';
import type { Config } from '../../config/load-config.ts';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { createKey, shownKey } from '../../gateway/keys/api-key.ts';
import { type KeyLimits, type KeyRecord, whyNotValid } from '../../gateway/keys/key-record.ts';
import type { GatewayStore, UsageEntry } from '../../gateway/state/gateway-store.ts';
import { openPolicy } from '../../hybrid/policy-file.ts';
import { addSettings, configOf } from '../command-options.ts';
import { formatTable } from '../format.ts';
import { openStore } from '../gateway/open-gateway.ts';
import { newStore } from '../gateway/open-state.ts';
import { addLimitOptions, expiryOf, type LimitOptions, limitsOf } from '../gateway/limit-options.ts';
import type { CommandContext } from '../run-command.ts';

type JsonOption = { json?: boolean };

/** A person can wait for the other process. */
const busyMs = 5000;

export function addKeysCommand(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('API keys of the gateway (`serve --role cloud`).');
  const add = (name: string, description: string): Command =>
    addSettings(keys.command(name).description(description), ['keys', 'general']);
  const { terminal } = context;

  const create = addLimitOptions(add('create', 'Make a key and print it, this once.'))
    .requiredOption('--name <text>', 'Who it is for.')
    .option('--json', 'Print JSON.')
    .action(async (options: LimitOptions & JsonOption & { name: string }) => {
      const config = configOf(create);
      const limits = limitsOf(options, {});
      const { key, id, hash } = createKey();
      const now = systemClock.wallTime();
      const record: KeyRecord = {
        id,
        name: options.name.slice(0, 200),
        hash,
        createdAt: now,
        expiresAt: expiryOf(options, now) ?? undefined,
        revokedAt: undefined,
        limits,
      };
      await withStore(config, (store) => store.insertKey(record));
      warnOfPrices(config, limits, (text) => terminal.note(text));
      if (options.json === true) terminal.out(`${JSON.stringify({ ...shown(record, now), key })}\n`);
      else {
        terminal.note(`Key ${id} for ${record.name}. It is shown this once; only its hash is kept.\n`);
        terminal.out(`${key}\n`);
      }
    });

  const list = add('list', 'Show the keys that are good, without their secrets.')
    .option('--all', 'Revoked and expired keys too.')
    .option('--json', 'Print JSON.')
    .action(async ({ all, json }: JsonOption & { all?: boolean }) => {
      const now = systemClock.wallTime();
      const kept = await withStore(configOf(list), (store) => store.listKeys());
      const records = all === true ? kept : kept.filter((record) => whyNotValid(record, now) === undefined);
      if (json === true) terminal.out(`${JSON.stringify(records.map((record) => shown(record, now)))}\n`);
      else if (records.length === 0) terminal.out('There is no key. `duanyun keys create --name …` makes one.\n');
      else terminal.out(table(records, now));
      const hidden = kept.length - records.length;
      if (json !== true && hidden > 0) terminal.note(`${hidden} revoked or expired; --all shows them.\n`);
    });

  const show = add('show <id>', 'Show one key with its limits and its use.')
    .option('--json', 'Print JSON.')
    .action(async (id: string, { json }: JsonOption) => {
      const config = configOf(show);
      const { record, usage } = await withStore(config, async (store) => ({
        record: await found(store, id),
        usage: await store.usageOf(id),
      }));
      const now = systemClock.wallTime();
      if (json === true) terminal.out(`${JSON.stringify({ ...shown(record, now), usage })}\n`);
      else terminal.out(details(record, usage, now));
    });

  const revoke = add('revoke <id>', 'End a key. Running gateways notice within a second.').action(
    async (id: string) => {
      const revokedAt = systemClock.wallTime();
      const isThere = await withStore(configOf(revoke), (store) => store.updateKey(id, { revokedAt }));
      if (!isThere) throw makeError('not_found', { what: `The key ${id.slice(0, 40)}` });
      terminal.out(`Key ${id} is revoked.\n`);
    },
  );

  const limits = addLimitOptions(
    add('limits <id>', 'Change the limits of a key; what is not named stays. `none` takes a limit away.'),
  )
    .option('--json', 'Print JSON.')
    .action(async (id: string, options: LimitOptions & JsonOption) => {
      const config = configOf(limits);
      const now = systemClock.wallTime();
      const record = await withStore(config, async (store) => {
        const before = await found(store, id);
        const expiresAt = expiryOf(options, now);
        await store.updateKey(id, {
          limits: limitsOf(options, before.limits),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        });
        return found(store, id);
      });
      warnOfPrices(config, record.limits, (text) => terminal.note(text));
      terminal.out(options.json === true ? `${JSON.stringify(shown(record, now))}\n` : details(record, [], now));
    });
}

async function withStore<Result>(config: Config, work: (store: GatewayStore) => Promise<Result>): Promise<Result> {
  const store = newStore(config, busyMs);
  await openStore(store);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function found(store: GatewayStore, id: string): Promise<KeyRecord> {
  const record = await store.findKey(id);
  if (record === undefined) throw makeError('not_found', { what: `The key ${id.slice(0, 40)}` });
  return record;
}

/** A budget without prices never ends. */
function warnOfPrices(config: Config, { monthlyBudget }: KeyLimits, note: (text: string) => void): void {
  if (monthlyBudget === undefined) return;
  const { prices } = openPolicy(config.policy, systemClock, silentLog).current();
  const all = [prices.cloud, ...Object.values(prices.models)];
  if (all.some((price) => price.input_per_million > 0 || price.output_per_million > 0)) return;
  note('Note: no prices are set, so nothing costs anything. Set them under `prices` in the file of --policy.\n');
}

function shown(record: KeyRecord, now: number): object {
  const { id, name, createdAt, expiresAt, revokedAt, limits } = record;
  return {
    id,
    name,
    key: shownKey(id),
    state: whyNotValid(record, now) === undefined ? 'good' : revokedAt === undefined ? 'expired' : 'revoked',
    createdAt: date(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: date(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: date(revokedAt) }),
    limits,
  };
}

function table(records: readonly KeyRecord[], now: number): string {
  const rows = records.map((record) => {
    const { id, name, createdAt, limits } = record;
    return [id, name, whyNotValid(record, now) ?? 'good', date(createdAt).slice(0, 10), limitText(limits)];
  });
  return formatTable([['ID', 'NAME', 'STATE', 'SINCE', 'LIMITS'], ...rows]);
}

function details(record: KeyRecord, usage: readonly UsageEntry[], now: number): string {
  const lines = [
    `${record.id}  ${record.name}  (${shownKey(record.id)})`,
    `  state    ${whyNotValid(record, now) ?? 'good'}`,
    `  created  ${date(record.createdAt)}`,
    ...(record.expiresAt === undefined ? [] : [`  expires  ${date(record.expiresAt)}`]),
    `  limits   ${limitText(record.limits)}`,
    ...usage.map(
      ({ month, model, requests, promptTokens, completionTokens, cost }) =>
        `  ${month}  ${model}: ${requests} requests, ${promptTokens} + ${completionTokens} tokens, cost ${cost.toFixed(4)}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function limitText(limits: KeyLimits): string {
  const parts = [
    limits.requestsPerMinute === undefined ? '' : `${limits.requestsPerMinute} requests/min`,
    limits.tokensPerMinute === undefined ? '' : `${limits.tokensPerMinute} tokens/min`,
    limits.concurrency === undefined ? '' : `${limits.concurrency} at once`,
    limits.monthlyBudget === undefined ? '' : `budget ${limits.monthlyBudget}/month`,
    limits.models === undefined ? '' : `models ${limits.models.join(',')}`,
    limits.weight === undefined ? '' : `weight ${limits.weight}`,
    limits.maxBodyMib === undefined ? '' : `bodies up to ${limits.maxBodyMib} MiB`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'none of its own' : parts.join(', ');
}

function date(ms: number): string {
  return new Date(ms).toISOString();
}
