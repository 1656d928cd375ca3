import type { Hono } from 'hono';
import type { GatewayAdministration, ShownKey } from '../../gateway/gateway-administration.ts';
import { newKeySchema } from '../../protocol/gateway-key.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import type { Entry, EntryEnv } from '../entry.ts';
import { checkOperator } from '../gateway-side.ts';
import { readJson } from '../read-body.ts';
import { json } from '../respond.ts';

/** Keys, their use and the servers behind the gateway: for its operator, never for the holder of a key. */
export function addGatewayRoutes(app: Hono<EntryEnv>, entry: Entry, administration: GatewayAdministration): void {
  app.get('/v1/gateway/upstreams', (c) => {
    checkOperator(c);
    return json(c, { object: 'list', data: administration.upstreams() });
  });

  app.get('/v1/gateway/keys', async (c) => {
    checkOperator(c);
    const { month, keys } = await administration.keys();
    return json(c, { object: 'list', month, data: keys.map(keyBody) });
  });

  app.post('/v1/gateway/keys', async (c) => {
    checkOperator(c);
    const wishes = parseWire(newKeySchema, await readJson(c, entry.options));
    const { key, shown } = await administration.createKey({
      name: wishes.name,
      expiresInDays: wishes.expires_in_days,
      limits: {
        ...(wishes.requests_per_minute === undefined ? {} : { requestsPerMinute: wishes.requests_per_minute }),
        ...(wishes.tokens_per_minute === undefined ? {} : { tokensPerMinute: wishes.tokens_per_minute }),
        ...(wishes.monthly_budget === undefined ? {} : { monthlyBudget: wishes.monthly_budget }),
      },
    });
    return json(c, { ...keyBody(shown), secret: key }, { 'cache-control': 'no-store' });
  });

  app.post('/v1/gateway/keys/:id/revoke', async (c) => {
    checkOperator(c);
    await administration.revokeKey(c.req.param('id'));
    return json(c, { status: 'revoked' });
  });
}

function keyBody({ createdAt, expiresAt, limits, usage, ...key }: ShownKey): object {
  return {
    ...key,
    created_at: new Date(createdAt).toISOString(),
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    limits: {
      requests_per_minute: limits.requestsPerMinute ?? null,
      tokens_per_minute: limits.tokensPerMinute ?? null,
      monthly_budget: limits.monthlyBudget ?? null,
    },
    usage: usage.map(({ model, requests, promptTokens, completionTokens, cost }) => ({
      model,
      requests,
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      cost,
    })),
  };
}
