/** Keys and usage in PostgreSQL, for gateways on several machines. */
import type { Pool, PoolClient } from 'pg';
import { keyLimitsSchema, type KeyLimits, type KeyRecord } from '../keys/key-record.ts';
import { batchMemoryMs, type GatewayStore, type UsageBatch, type UsageEntry } from './gateway-store.ts';

export type PostgresOptions = {
  /** `postgres://user:password@host/database` */
  url: string;
  /** For a connection and for a statement. Default 3 s. */
  timeoutMs?: number;
  /** Default `duanyun`. */
  schema?: string;
};

const defaultTimeoutMs = 3000;
/** Any number: gateways that start at once make the tables one after the other. */
const migrationLock = 727_461;

export class PostgresStore implements GatewayStore {
  readonly place: string;
  readonly #options: PostgresOptions;
  readonly #schema: string;
  #pool: Pool | undefined;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#schema = options.schema ?? 'duanyun';
    const { host, pathname } = new URL(options.url);
    this.place = `postgres://${host}${pathname}`;
  }

  async open(): Promise<void> {
    // Loaded here, so that a server without it never needs it.
    const { default: driver } = await import('pg');
    const { url, timeoutMs = defaultTimeoutMs } = this.#options;
    const pool = new driver.Pool({
      connectionString: url,
      max: 5,
      connectionTimeoutMillis: timeoutMs,
      statement_timeout: timeoutMs,
      query_timeout: timeoutMs,
      application_name: 'duanyun-gateway',
      options: `-c search_path=${this.#schema}`,
    });
    // An idle connection that breaks is replaced; without a listener it would end the process.
    pool.on('error', () => {});
    this.#pool = pool;
    try {
      await this.#together(async (client) => {
        await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
        await client.query(tables(this.#schema));
      });
    } catch (error) {
      this.#pool = undefined;
      await pool.end();
      throw error;
    }
  }

  async keysVersion(): Promise<number> {
    const { rows } = await this.#query<{ keys: string }>('SELECT keys FROM version');
    return Number(rows[0]?.keys ?? 0);
  }

  async insertKey(record: KeyRecord): Promise<void> {
    const { id, name, hash, createdAt, expiresAt, revokedAt, limits } = record;
    await this.#together(async (client) => {
      await client.query('INSERT INTO keys VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        id,
        name,
        hash,
        createdAt,
        expiresAt ?? null,
        revokedAt ?? null,
        JSON.stringify(limits),
      ]);
      await client.query('UPDATE version SET keys = keys + 1');
    });
  }

  async findKey(id: string): Promise<KeyRecord | undefined> {
    const { rows } = await this.#query<KeyRow>('SELECT * FROM keys WHERE id = $1', [id]);
    return rows[0] === undefined ? undefined : toRecord(rows[0]);
  }

  async listKeys(): Promise<KeyRecord[]> {
    const { rows } = await this.#query<KeyRow>('SELECT * FROM keys ORDER BY created_at, id');
    return rows.map(toRecord);
  }

  async updateKey(
    id: string,
    { revokedAt, limits, expiresAt }: { revokedAt?: number; limits?: KeyLimits; expiresAt?: number | null },
  ): Promise<boolean> {
    return this.#together(async (client) => {
      const { rowCount } = await client.query(
        `UPDATE keys SET revoked_at = coalesce(revoked_at, $2), limits = coalesce($3::jsonb, limits),
         expires_at = CASE WHEN $4 THEN $5 ELSE expires_at END WHERE id = $1`,
        [
          id,
          revokedAt ?? null,
          limits === undefined ? null : JSON.stringify(limits),
          expiresAt !== undefined,
          expiresAt ?? null,
        ],
      );
      if (rowCount === 0) return false;
      await client.query('UPDATE version SET keys = keys + 1');
      return true;
    });
  }

  async addUsage({ id, entries }: UsageBatch): Promise<void> {
    await this.#together(async (client) => {
      const { rowCount } = await client.query('INSERT INTO batches VALUES ($1, now()) ON CONFLICT DO NOTHING', [id]);
      if (rowCount === 0) return;
      await client.query('DELETE FROM batches WHERE at < now() - make_interval(secs => $1)', [batchMemoryMs / 1000]);
      // In one order, so that two gateways never hold what the other one waits for.
      const ordered = entries.toSorted((left, right) => (rowKey(left) < rowKey(right) ? -1 : 1));
      for (const { keyId, month, model, requests, promptTokens, completionTokens, cost } of ordered) {
        await client.query(
          `INSERT INTO usage AS u VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key_id, month, model) DO UPDATE SET
           requests = u.requests + excluded.requests, prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
           completion_tokens = u.completion_tokens + excluded.completion_tokens, cost = u.cost + excluded.cost`,
          [keyId, month, model, requests, promptTokens, completionTokens, cost],
        );
      }
    });
  }

  async usageOf(keyId: string, month?: string): Promise<UsageEntry[]> {
    const { rows } = await this.#query<UsageRow>(
      'SELECT * FROM usage WHERE key_id = $1 AND ($2::text IS NULL OR month = $2) ORDER BY month, model',
      [keyId, month ?? null],
    );
    return rows.map((row) => ({
      keyId: row.key_id,
      month: row.month,
      model: row.model,
      requests: Number(row.requests),
      promptTokens: Number(row.prompt_tokens),
      completionTokens: Number(row.completion_tokens),
      cost: row.cost,
    }));
  }

  async spentIn(month: string, keyIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.#query<{ key_id: string; cost: number }>(
      'SELECT key_id, sum(cost) AS cost FROM usage WHERE month = $1 AND key_id = ANY($2) GROUP BY key_id',
      [month, keyIds],
    );
    return new Map(rows.map(({ key_id: id, cost }) => [id, cost]));
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }

  #query<Row extends object>(sql: string, values: unknown[] = []): Promise<{ rows: Row[] }> {
    if (this.#pool === undefined) throw new Error('the database is closed');
    return this.#pool.query<Row>(sql, values);
  }

  async #together<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    if (this.#pool === undefined) throw new Error('the database is closed');
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      // A connection that could not even roll back is not used again.
      client.release(broken);
    }
  }
}

type KeyRow = {
  id: string;
  name: string;
  hash: Buffer;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  limits: unknown;
};
type UsageRow = {
  key_id: string;
  month: string;
  model: string;
  requests: string;
  prompt_tokens: string;
  completion_tokens: string;
  cost: number;
};

function tables(schema: string): string {
  return `
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.keys (
      id text PRIMARY KEY, name text NOT NULL, hash bytea NOT NULL, created_at bigint NOT NULL,
      expires_at bigint, revoked_at bigint, limits jsonb NOT NULL
    );
    CREATE TABLE IF NOT EXISTS ${schema}.usage (
      key_id text NOT NULL, month text NOT NULL, model text NOT NULL, requests bigint NOT NULL,
      prompt_tokens bigint NOT NULL, completion_tokens bigint NOT NULL, cost double precision NOT NULL,
      PRIMARY KEY (key_id, month, model)
    );
    CREATE TABLE IF NOT EXISTS ${schema}.batches (id text PRIMARY KEY, at timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS ${schema}.version (one int PRIMARY KEY CHECK (one = 1), keys bigint NOT NULL);
    INSERT INTO ${schema}.version VALUES (1, 0) ON CONFLICT DO NOTHING;
  `;
}

function rowKey({ keyId, month, model }: UsageEntry): string {
  return `${keyId} ${month} ${model}`;
}

function toRecord(row: KeyRow): KeyRecord {
  const time = (value: string | null): number | undefined => (value === null ? undefined : Number(value));
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    createdAt: Number(row.created_at),
    expiresAt: time(row.expires_at),
    revokedAt: time(row.revoked_at),
    limits: keyLimitsSchema.parse(row.limits),
  };
}
