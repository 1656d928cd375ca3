/** Keys and usage in one SQLite file; several processes of one machine may share it. */
import { mkdirSync, chmodSync } from 'node:fs';
import path from 'node:path';
import type Database from 'libsql';
import { keyLimitsSchema, type KeyLimits, type KeyRecord } from '../keys/key-record.ts';
import { batchMemoryMs, type GatewayStore, type UsageBatch, type UsageEntry } from './gateway-store.ts';

export type SqliteOptions = {
  file: string;
  /** How long a writer waits for another process. It holds the event loop, so a server waits shortly and tries again. Default 50 ms. */
  busyMs?: number;
  /** Largest file, in pages of 4 KiB; beyond it writing fails as on a full disk. Default: what the disk holds. */
  maxPages?: number;
};

type Connection = InstanceType<typeof Database>;
type Value = string | number | null;
type Statement = ReturnType<typeof prepare>;
type KeyRow = {
  id: string;
  name: string;
  hash: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  limits: string;
};
type UsageRow = {
  key_id: string;
  month: string;
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost: number;
};

const schema = `
  CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, created_at INTEGER NOT NULL,
    expires_at INTEGER, revoked_at INTEGER, limits TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS usage (
    key_id TEXT NOT NULL, month TEXT NOT NULL, model TEXT NOT NULL, requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (key_id, month, model)
  );
  CREATE TABLE IF NOT EXISTS batches (id TEXT PRIMARY KEY, at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS version (one INTEGER PRIMARY KEY CHECK (one = 1), keys INTEGER NOT NULL);
  INSERT OR IGNORE INTO version VALUES (1, 0);
`;

export class SqliteStore implements GatewayStore {
  readonly place: string;
  readonly #options: SqliteOptions;
  #connection: Connection | undefined;
  readonly #statements = new Map<string, Statement>();

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.place = options.file;
  }

  async open(): Promise<void> {
    const { file, busyMs = 50, maxPages } = this.#options;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    // Loaded here, so that a server without a gateway never needs it.
    const { default: Driver } = await import('libsql');
    const connection = new Driver(file);
    connection.pragma('journal_mode = WAL');
    // A lost write of the last moment costs some counts after a power cut, never the file.
    connection.pragma('synchronous = NORMAL');
    connection.pragma(`busy_timeout = ${busyMs}`);
    if (maxPages !== undefined) connection.pragma(`max_page_count = ${maxPages}`);
    connection.exec(schema);
    chmodSync(file, 0o600);
    this.#connection = connection;
  }

  async keysVersion(): Promise<number> {
    return (this.#get('SELECT keys FROM version') as { keys: number }).keys;
  }

  async insertKey(record: KeyRecord): Promise<void> {
    const { id, name, hash, createdAt, expiresAt, revokedAt, limits } = record;
    this.#together(() => {
      this.#run(
        'INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)',
        id,
        name,
        hash.toString('hex'),
        createdAt,
        expiresAt ?? null,
        revokedAt ?? null,
        JSON.stringify(limits),
      );
      this.#run('UPDATE version SET keys = keys + 1');
    });
  }

  async findKey(id: string): Promise<KeyRecord | undefined> {
    const row = this.#get('SELECT * FROM keys WHERE id = ?', id) as KeyRow | undefined;
    return row === undefined ? undefined : toRecord(row);
  }

  async listKeys(): Promise<KeyRecord[]> {
    return (this.#all('SELECT * FROM keys ORDER BY created_at, id') as KeyRow[]).map(toRecord);
  }

  async updateKey(
    id: string,
    change: { revokedAt?: number; limits?: KeyLimits; expiresAt?: number | null },
  ): Promise<boolean> {
    if ((await this.findKey(id)) === undefined) return false;
    this.#together(() => {
      const { revokedAt, limits, expiresAt } = change;
      if (revokedAt !== undefined) {
        this.#run('UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?', revokedAt, id);
      }
      if (limits !== undefined) this.#run('UPDATE keys SET limits = ? WHERE id = ?', JSON.stringify(limits), id);
      if (expiresAt !== undefined) this.#run('UPDATE keys SET expires_at = ? WHERE id = ?', expiresAt, id);
      this.#run('UPDATE version SET keys = keys + 1');
    });
    return true;
  }

  async addUsage({ id, entries }: UsageBatch): Promise<void> {
    const now = Date.now();
    this.#together(() => {
      if (this.#get('SELECT 1 FROM batches WHERE id = ?', id) !== undefined) return;
      this.#run('INSERT INTO batches VALUES (?, ?)', id, now);
      this.#run('DELETE FROM batches WHERE at < ?', now - batchMemoryMs);
      for (const { keyId, month, model, requests, promptTokens, completionTokens, cost } of entries) {
        this.#run(
          `INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_id, month, model) DO UPDATE SET
           requests = requests + excluded.requests, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
           completion_tokens = completion_tokens + excluded.completion_tokens, cost = cost + excluded.cost`,
          keyId,
          month,
          model,
          requests,
          promptTokens,
          completionTokens,
          cost,
        );
      }
    });
  }

  async usageOf(keyId: string, month?: string): Promise<UsageEntry[]> {
    const rows =
      month === undefined
        ? this.#all('SELECT * FROM usage WHERE key_id = ? ORDER BY month, model', keyId)
        : this.#all('SELECT * FROM usage WHERE key_id = ? AND month = ? ORDER BY model', keyId, month);
    return (rows as UsageRow[]).map((row) => ({
      keyId: row.key_id,
      month: row.month,
      model: row.model,
      requests: row.requests,
      promptTokens: row.prompt_tokens,
      completionTokens: row.completion_tokens,
      cost: row.cost,
    }));
  }

  async spentIn(month: string, keyIds: readonly string[]): Promise<Map<string, number>> {
    const spent = new Map<string, number>();
    for (const id of keyIds) {
      const row = this.#get('SELECT sum(cost) AS cost FROM usage WHERE month = ? AND key_id = ?', month, id);
      const { cost } = row as { cost: number | null };
      if (cost !== null) spent.set(id, cost);
    }
    return spent;
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.#connection?.close();
    this.#connection = undefined;
  }

  get #open(): Connection {
    if (this.#connection === undefined) throw new Error('the database is closed');
    return this.#connection;
  }

  #get(sql: string, ...values: Value[]): unknown {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: Value[]): unknown[] {
    return this.#statement(sql).all(...values);
  }

  #run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values);
  }

  /** Each is prepared once: the driver keeps hold of all that it ever made. */
  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = prepare(this.#open, sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** `IMMEDIATE`: two writers wait for each other at the beginning and never fail in the middle. */
  #together(work: () => void): void {
    const connection = this.#open;
    connection.exec('BEGIN IMMEDIATE');
    try {
      work();
      connection.exec('COMMIT');
    } catch (error) {
      try {
        connection.exec('ROLLBACK');
      } catch {
        // A full disk ends the transaction by itself.
      }
      throw error;
    }
  }
}

function prepare(connection: Connection, sql: string) {
  return connection.prepare<Value[]>(sql);
}

function toRecord(row: KeyRow): KeyRecord {
  return {
    id: row.id,
    name: row.name,
    hash: Buffer.from(row.hash, 'hex'),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    limits: keyLimitsSchema.parse(JSON.parse(row.limits)),
  };
}
